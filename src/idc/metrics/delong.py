"""DeLong's test of two areas under the ROC curve, for independent or clustered patches."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr
from scipy.stats import rankdata

from idc.errors import DataError


class DeLong(NamedTuple):
    """Difference of two areas under the ROC curve.

    Attributes:
        difference: First area minus second.
        error: Standard error of the difference.
        p: Two-sided p-value, from the normal distribution; with patients from Student's t with
            (patients - 1) degrees of freedom, as the normal rejects too often with few patients.
    """

    difference: float
    error: float
    p: float


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
        DataError: A class occurs in one patient only.
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
    return DeLong(difference, error, p)


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
    names, codes = np.arange(len(positive)), np.arange(len(positive))
    if patients is not None:
        names, codes = np.unique(np.asarray(patients, str), return_inverse=True)
    above, below = _components(positive, np.asarray(scores, np.float64))
    areas = above.mean(1)

    def sums(values: NDArray[np.float64], of: NDArray[np.int64]) -> NDArray[np.float64]:
        rows = [np.bincount(of, row, len(names)) for row in values - areas[:, None]]
        return np.asarray(np.stack(rows) / values.shape[1])

    x, y = sums(above, codes[positive]), sums(below, codes[~positive])
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


def _correction(codes: NDArray[np.int64]) -> float:
    """I / (I - 1) for I patients: the correction of a sample variance."""
    count = len(np.unique(codes))
    if count < 2:
        raise DataError("delong: a class occurs in one patient only, so the variance is undefined.")
    return count / (count - 1)
