"""DeLong's test of two areas under the ROC curve, for independent or clustered patches."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr
from scipy.stats import rankdata

from idc.errors import DataError


@dataclass(frozen=True)
class DeLong:
    """Difference of two areas under the ROC curve.

    Attributes:
        auroc_a: AUROC of the first scores, in [0, 1].
        auroc_b: AUROC of the second scores.
        difference: First minus second.
        error: Standard error of the difference.
        z: Difference in standard errors; 0 if both are 0.
        p: Two-sided p-value, from the normal distribution; with patients from Student's t with
            (patients - 1) degrees of freedom, as the normal rejects too often with few patients.
        clusters: Number of patients; None if patches were assumed independent.
    """

    auroc_a: float
    auroc_b: float
    difference: float
    error: float
    z: float
    p: float
    clusters: int | None


def delong(
    labels: NDArray[np.integer],
    scores_a: NDArray[np.floating],
    scores_b: NDArray[np.floating],
    patients: NDArray[Any] | None = None,
) -> DeLong:
    """Test whether two classifiers of the same patches have the same AUROC.

    Args:
        labels: int (N,), 1 is positive; both classes occur.
        scores_a: float (N,), higher is more positive.
        scores_b: float (N,).
        patients: Patient of each patch, (N,), for the clustered variance; None assumes independent
            patches, which gives p-values that are too small if patients have several.

    Raises:
        DataError: A class is missing, lengths differ, or a class occurs in one patient only.
    """
    areas, covariance = auroc_covariance(labels, np.stack([scores_a, scores_b]), patients)
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    error = float(np.sqrt(max(variance, 0.0)))
    if error < 1e-12:  # equal ranks (no difference), or a difference without any variance
        z = 0.0 if abs(difference) < 1e-12 else float(np.copysign(np.inf, difference))
    else:
        z = difference / error
    clusters = None if patients is None else len(np.unique(np.asarray(patients, str)))
    p = float(2 * (ndtr(-abs(z)) if clusters is None else stdtr(clusters - 1, -abs(z))))
    return DeLong(float(areas[0]), float(areas[1]), difference, error, z, p, clusters)


def auroc_covariance(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    patients: NDArray[Any] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Areas under the ROC curve and their covariance.

    DeLong et al. 1988, computed from midranks as in Sun & Xu 2014; with patients, the sums over
    clusters of Obuchowski 1997, which are equal if each patient has one patch.

    Args:
        labels: int (N,), 1 is positive.
        scores: float (m, N), one row per classifier.
        patients: Patient of each patch, (N,), or None.

    Returns:
        float64 (m,) in [0, 1] and float64 (m, m).

    Raises:
        DataError: See `delong`.
    """
    positive = np.asarray(labels) == 1
    ranked = np.asarray(scores, np.float64)
    if ranked.shape[1] != len(positive) or (
        patients is not None and len(patients) != len(positive)
    ):
        raise DataError("delong: give one score and one patient for each label.")
    if positive.all() or not positive.any():
        raise DataError("delong: the labels have only one class, so there is no ROC curve.")
    names, codes = np.arange(len(positive)), np.arange(len(positive))
    if patients is not None:
        names, codes = np.unique(np.asarray(patients, str), return_inverse=True)
    above, below = _components(positive, ranked)
    areas = above.mean(1)
    x = _sums(above - areas[:, None], codes[positive], len(names)) / positive.sum()
    y = _sums(below - areas[:, None], codes[~positive], len(names)) / (~positive).sum()
    cross = x @ y.T
    return areas, (
        _correction(codes[positive]) * (x @ x.T)
        + _correction(codes[~positive]) * (y @ y.T)
        + _correction(codes) * (cross + cross.T)
    )


def _components(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of negatives below each positive, of positives above each negative; ties half."""
    ranks = rankdata(scores, axis=1)
    pos, neg = scores[:, positive], scores[:, ~positive]
    above = (ranks[:, positive] - rankdata(pos, axis=1)) / neg.shape[1]
    below = 1 - (ranks[:, ~positive] - rankdata(neg, axis=1)) / pos.shape[1]
    return above, below


def _sums(
    values: NDArray[np.float64], codes: NDArray[np.int64], clusters: int
) -> NDArray[np.float64]:
    return np.stack([np.bincount(codes, row, clusters) for row in values])


def _correction(codes: NDArray[np.int64]) -> float:
    """I / (I - 1) for I patients: the correction of a sample variance."""
    count = len(np.unique(codes))
    if count < 2:
        raise DataError("delong: a class occurs in one patient only, so the variance is undefined.")
    return count / (count - 1)
