"""Predictive uncertainty from several draws: MC dropout, an ensemble, or augmented views."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr

from idc.metrics.grouped import Floats

SUM_TOLERANCE = 1e-3  # of a patch's probabilities, which may be in half precision


@dataclass(frozen=True)
class Uncertainty:
    """Mean of the draws, and their disagreement. Entropies are in nats.

    Attributes:
        mean: Mean probabilities, float64 (N, k).
        entropy: Entropy of the mean, the total uncertainty, float64 (N,) in [0, log k].
        expected_entropy: Mean entropy of the draws: aleatoric uncertainty, float64 (N,).
        mutual_information: Their difference: epistemic uncertainty (BALD, Houlsby et al. 2011, Gal
            2016), float64 (N,) in [0, entropy].
        deviation: Standard deviation over the draws (uncorrected) of the positive class's
            probability, for k > 2 of the most probable class's, float64 (N,) in [0, 0.5].
    """

    mean: Floats
    entropy: Floats
    expected_entropy: Floats
    mutual_information: Floats
    deviation: Floats

    def table(self) -> pd.DataFrame:
        """The measures as columns of the predictions.

        Returns:
            ``entropy``, ``expected_entropy``, ``mutual_information``, ``score_std``; one row per
            patch.
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
    """Decompose the uncertainty of several draws of the probabilities.

    Args:
        samples: Probabilities, float (S, N, k), S >= 1 draws, k >= 2, summing to 1 over k; may be
            a memory map, as one draw at a time is copied.

    Raises:
        ValueError: The shape is wrong, or the values are not probabilities.
    """
    if samples.ndim != 3 or not samples.shape[0] or samples.shape[2] < 2:
        raise ValueError(
            f"samples of shape {samples.shape}: expected (draws, patches, classes >= 2)"
        )
    draws, count, classes = samples.shape
    mean, expected = np.zeros((count, classes)), np.zeros(count)
    for draw in samples:
        p = _probabilities(draw)
        mean += p / draws
        expected += entr(p).sum(1) / draws
    column = np.ones(count, np.int64) if classes == 2 else mean.argmax(1)
    tracked = mean[np.arange(count), column]
    square = np.zeros(count)
    for draw in samples:
        square += (_probabilities(draw)[np.arange(count), column] - tracked) ** 2 / draws
    # Rounding may put a mean slightly above log k, or the entropy of equal draws below the mean.
    entropy = np.clip(entr(mean).sum(1), 0, np.log(classes))
    expected = np.minimum(expected, entropy)
    return Uncertainty(mean, entropy, expected, entropy - expected, np.sqrt(square))


def _probabilities(draw: NDArray[np.floating]) -> Floats:
    """One draw in float64, normalised to sum to 1."""
    p: Floats = np.asarray(draw, np.float64)
    total: Floats = p.sum(1, keepdims=True)
    if not ((p >= 0) & (np.abs(total - 1) <= SUM_TOLERANCE)).all():
        raise ValueError("samples: each patch's values must be probabilities that sum to 1")
    return p / total
