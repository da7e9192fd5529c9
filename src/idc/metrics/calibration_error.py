"""Calibration errors and reliability bins of probabilities."""

import numpy as np
import torch
from numpy.typing import NDArray

from idc.metrics.calibration_fit import EPSILON

ERRORS = ("brier", "log_loss", "ece")
ECE_BINS = 10
# The largest float32 below 1: torchmetrics gives a score of exactly 1 a bin of its own.
BELOW_ONE = 1 - 2.0**-24


def calibration_metrics(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> dict[str, float]:
    """Calibration errors; lower is better.

    Args:
        labels: int (N,), 0..k-1; N >= 1, classes may be missing. Of several labels (N, k), 0 or 1.
        probabilities: float (N, k) in [0, 1]; each row sums to 1. For two classes only the second
            column (the score) is used. Of several labels each column is a score, and the errors
            are means over the labels.

    Returns:
        ``brier`` (Brier 1950): mean squared error of the score for k = 2, in [0, 1]; summed over
        the classes for more, in [0, 2]. ``log_loss``: in nats, with probabilities clipped to
        [1e-12, 1 - 1e-12]. ``ece``: expected calibration error in 10 equally wide bins, in [0, 1]
        (Naeini et al. 2015): of the positive class's score for k = 2, of the most probable class's
        (Guo et al. 2017) for more.
    """
    p, labels = np.asarray(probabilities), np.asarray(labels)
    if labels.ndim == 2:
        pairs = zip(labels.T, p.T, strict=True)
        each = [calibration_metrics(of, np.stack([1 - score, score], 1)) for of, score in pairs]
        return {name: float(np.mean([one[name] for one in each])) for name in ERRORS}
    terms = error_terms(labels, p[:, 1] if p.shape[1] == 2 else p)
    patches = np.array([float(len(p))])
    return {
        name: float(error_metric(name, term.sum(0)[None], patches)[0])
        for name, term in terms.items()
    }


def error_terms(
    labels: NDArray[np.integer], scores: NDArray[np.floating]
) -> dict[str, NDArray[np.float64]]:
    """Contribution of each patch to the calibration errors.

    Args:
        labels: int (N,), 0..k-1.
        scores: Two classes: probability of class 1, float (N,). More: float (N, k).

    Returns:
        ``brier`` and ``log_loss``: float64 (N, 1). ``ece``: score minus success in the column of
        the score's bin, float64 (N, `ECE_BINS`); for k > 2 of the most probable class.
    """
    p = np.asarray(scores, np.float64)
    rows = np.arange(len(labels))
    if p.ndim == 1:
        confidence, success = p, np.asarray(labels) == 1
        of_label = np.where(success, p, 1 - p)
        brier = (p - success) ** 2
    else:
        p = p / p.sum(1, keepdims=True)
        confidence, success = p.max(1), p.argmax(1) == labels
        of_label = p[rows, labels]
        brier = (p**2).sum(1) - of_label**2 + (1 - of_label) ** 2
    gaps = np.zeros((len(p), ECE_BINS))
    gaps[rows, bin_of(confidence)] = confidence - success
    loss = -np.log(np.clip(of_label, EPSILON, 1 - EPSILON))
    return {"brier": brier[:, None], "log_loss": loss[:, None], "ece": gaps}


def error_metric(
    name: str, sums: NDArray[np.float64], patches: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A calibration error from the sums of its terms.

    Args:
        name: One of `ERRORS`.
        sums: float64 (draws, columns of the term).
        patches: Number of patches, (draws,).

    Returns:
        float64 (draws,).
    """
    return np.asarray((np.abs(sums) if name == "ece" else sums).sum(1) / patches)


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
