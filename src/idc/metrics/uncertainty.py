"""Predictive uncertainty from several draws: MC dropout, an ensemble, or augmented views."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr


def measure_uncertainty(
    samples: NDArray[np.float64], multi_label: bool = False
) -> dict[str, NDArray[np.float64]]:
    """Decompose the uncertainty of several draws of the probabilities. Entropies are in nats.

    Args:
        samples: Probabilities, float64 (S, N, k), S >= 1 draws, k >= 2, summing to 1 over k.
        multi_label: Whether each of k >= 1 is a probability by itself; measures are then means
            over the labels.

    Returns:
        Each float64 (N,). ``entropy``: of the mean of the draws, the total uncertainty, in
        [0, log k]. ``expected_entropy``: mean entropy of the draws, aleatoric uncertainty.
        ``mutual_information``: their difference, epistemic uncertainty (BALD, Houlsby et al. 2011,
        Gal 2016), in [0, entropy]. ``score_std``: standard deviation over the draws (uncorrected)
        of the positive class's probability, for k > 2 of the most probable class's, in [0, 0.5].
    """
    if multi_label:
        draws, patches, labels = samples.shape
        pairs = samples.reshape(draws, -1, 1)
        measures = measure_uncertainty(np.concatenate([1 - pairs, pairs], axis=2))
        return {name: x.reshape(patches, labels).mean(1) for name, x in measures.items()}
    mean = samples.mean(0)
    count, classes = mean.shape
    # Rounding may put a mean slightly above log k, or the entropy of equal draws below the mean.
    entropy = np.clip(entr(mean).sum(1), 0, np.log(classes))
    expected = np.minimum(np.mean([entr(draw).sum(1) for draw in samples], axis=0), entropy)
    column = np.ones(count, np.int64) if classes == 2 else mean.argmax(1)
    return {
        "entropy": entropy,
        "expected_entropy": expected,
        "mutual_information": entropy - expected,
        "score_std": samples[:, np.arange(count), column].std(0),
    }
