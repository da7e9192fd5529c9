"""Calibration errors and reliability bins of probabilities."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, log_loss
from torchmetrics.functional.classification import binary_calibration_error

from idc.metrics.calibration_fit import EPSILON

ECE_BINS = 10
# The largest float32 below 1: torchmetrics gives a score of exactly 1 a bin of its own.
BELOW_ONE = 1 - 2.0**-24


def calibration_metrics(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> dict[str, float]:
    """Calibration errors; lower is better.

    Args:
        labels: int (N,), 0..k-1; N >= 1, classes may be missing.
        probabilities: float (N, k) in [0, 1]; each row sums to 1. For two classes only the second
            column (the score) is used.

    Returns:
        ``ece``: expected calibration error in 10 equally wide bins, in [0, 1] (Naeini et al.
        2015): of the positive class's score for k = 2, of the most probable class's (Guo et al.
        2017) for more. ``brier`` (Brier 1950): mean squared error of the score for k = 2, in
        [0, 1]; summed over the classes for more, in [0, 2]. ``log_loss``: in nats, with
        probabilities clipped to [1e-12, 1 - 1e-12].
    """
    labels, p = np.asarray(labels), np.asarray(probabilities, np.float64)
    classes = p.shape[1]
    if classes == 2:
        p = np.stack([1 - p[:, 1], p[:, 1]], axis=1)
        confidence, correct = p[:, 1], labels
    else:
        # A float32 softmax deviates from 1 by more than scikit-learn's tolerance.
        p = p / p.sum(1, keepdims=True)
        # As multiclass_calibration_error does, but not in float32.
        confidence, correct = p.max(1), p.argmax(1) == labels
    scores, truth = np.minimum(confidence, BELOW_ONE), correct.astype(np.int64)
    ece = binary_calibration_error(torch.from_numpy(scores), torch.from_numpy(truth), ECE_BINS)
    names = range(classes)
    return {
        "ece": float(ece),
        "brier": float(brier_score_loss(labels, p, labels=names)),
        "log_loss": float(log_loss(labels, np.clip(p, EPSILON, 1 - EPSILON), labels=names)),
    }


def bin_of(scores: NDArray[np.floating], bins: int = ECE_BINS) -> NDArray[np.int64]:
    """Index, 0..bins-1, of the equally wide bin that holds each score of [0, 1].

    A score on an edge belongs to the upper bin, a score of 1 to the last.
    """
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64).numpy()  # torchmetrics' own
    inside = np.minimum(np.asarray(scores, np.float64), BELOW_ONE)
    return np.asarray(np.searchsorted(edges, inside, side="right") - 1, np.int64)


def reliability_bins(
    labels: NDArray[np.integer], scores: NDArray[np.floating], bins: int = ECE_BINS
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Patches, mean score and share of positives in each bin of `bin_of`.

    Args:
        labels: int (N,), 0 or 1.
        scores: Probability of class 1, float (N,) in [0, 1].
        bins: Number of bins, M.

    Returns:
        Number of patches, int64 (M,); their mean score and their share of positives, float64 (M,),
        NaN for an empty bin.
    """
    place = bin_of(scores, bins)
    count = np.bincount(place, minlength=bins)
    total = np.where(count > 0, count, np.nan)
    mean = np.bincount(place, scores, bins) / total
    share = np.bincount(place, np.asarray(labels) == 1, bins) / total
    return count, mean, share
