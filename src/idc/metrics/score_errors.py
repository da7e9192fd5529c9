"""Calibration errors as sums over patches, for many resamples at once."""

import numpy as np
import torch
from numpy.typing import NDArray

from idc.metrics.calibration_error import BELOW_ONE, ECE_BINS
from idc.metrics.calibration_fit import EPSILON

ERRORS = ("brier", "log_loss", "ece")


def error_terms(
    labels: NDArray[np.integer], scores: NDArray[np.floating]
) -> dict[str, NDArray[np.float64]]:
    """Contribution of each patch to `idc.metrics.calibration_error.calibration_metrics`.

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
        label_probability = np.where(success, p, 1 - p)
        brier = (p - success) ** 2
    else:
        p = p / p.sum(1, keepdims=True)
        confidence, success = p.max(1), p.argmax(1) == labels
        label_probability = p[rows, labels]
        brier = (p**2).sum(1) - label_probability**2 + (1 - label_probability) ** 2
    edges = torch.linspace(0, 1, ECE_BINS + 1, dtype=torch.float64).numpy()
    gaps = np.zeros((len(p), ECE_BINS))
    gaps[rows, np.searchsorted(edges, np.minimum(confidence, BELOW_ONE), "right") - 1] = (
        confidence - success
    )
    loss = -np.log(np.clip(label_probability, EPSILON, 1 - EPSILON))
    return {"brier": brier[:, None], "log_loss": loss[:, None], "ece": gaps}


def error_metric(
    name: str, sums: NDArray[np.float64], patches: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute a metric from the sums of its terms.

    Args:
        name: One of `ERRORS`.
        sums: float64 (draws, columns of the term).
        patches: Number of patches, (draws,).

    Returns:
        float64 (draws,).
    """
    return np.asarray((np.abs(sums) if name == "ece" else sums).sum(1) / patches)
