"""How uncertain a set of draws is: dropout at test time, an ensemble, augmented views."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr

from idc.metrics.decisions import Floats

OFF_ONE = 1e-3  # by which probabilities of a patch may miss a sum of 1: half precision


@dataclass(frozen=True)
class Uncertainty:
    """The mean of some draws and what they disagree about. Entropies are in nats.

    Attributes:
        mean: Mean probabilities, float64 (N, k).
        entropy: Entropy of the mean, the total uncertainty, float64 (N,) in [0, log k].
        expected_entropy: Mean of the draws' entropies: what no more data of the same kind would
            settle (aleatoric), float64 (N,).
        mutual_information: Their difference: how far the draws disagree (epistemic; BALD, Houlsby
            et al. 2011, Gal 2016), float64 (N,) in [0, entropy].
        deviation: Standard deviation over the draws (of the draws themselves, not corrected) of
            the positive class's probability, for k > 2 of the most probable class's, float64 (N,)
            in [0, 0.5].
    """

    mean: Floats
    entropy: Floats
    expected_entropy: Floats
    mutual_information: Floats
    deviation: Floats

    def table(self) -> pd.DataFrame:
        """The measures as columns of predictions.

        Returns:
            ``entropy``, ``expected_entropy``, ``mutual_information``, ``score_std``, a row a patch.
        """
        return pd.DataFrame(
            {
                "entropy": self.entropy,
                "expected_entropy": self.expected_entropy,
                "mutual_information": self.mutual_information,
                "score_std": self.deviation,
            }
        )


def measure_uncertainty(samples: NDArray[np.floating]) -> Uncertainty:
    """Split the uncertainty of probabilities that were drawn several times.

    Args:
        samples: Probabilities, float (S, N, k), S >= 1 draws, k >= 2, over k to 1. A memory map
            will do: one draw at a time is copied.

    Raises:
        ValueError: The shape is another, or these are no probabilities.
    """
    if samples.ndim != 3 or not samples.shape[0] or samples.shape[2] < 2:
        raise ValueError(f"samples of shape {samples.shape}: give (draws, patches, classes >= 2)")
    draws, count, classes = samples.shape
    mean, expected = np.zeros((count, classes)), np.zeros(count)
    for draw in samples:
        p = _probabilities(draw)
        mean += p / draws
        expected += entr(p).sum(1) / draws
    of = np.ones(count, np.int64) if classes == 2 else mean.argmax(1)
    watched = mean[np.arange(count), of]
    square = np.zeros(count)
    for draw in samples:
        square += (_probabilities(draw)[np.arange(count), of] - watched) ** 2 / draws
    # Rounding may put a mean a hair above log k, or the entropy of equal draws below their mean.
    entropy = np.clip(entr(mean).sum(1), 0, np.log(classes))
    expected = np.minimum(expected, entropy)
    return Uncertainty(mean, entropy, expected, entropy - expected, np.sqrt(square))


def _probabilities(draw: NDArray[np.floating]) -> Floats:
    """One draw in float64, summing to exactly 1."""
    p: Floats = np.asarray(draw, np.float64)
    total: Floats = p.sum(1, keepdims=True)
    if not ((p >= 0) & (np.abs(total - 1) <= OFF_ONE)).all():
        raise ValueError("samples: each patch's values must be probabilities that sum to 1")
    return p / total
