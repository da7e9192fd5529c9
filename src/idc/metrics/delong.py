"""Areas under ROC curves compared without resampling: DeLong's test, and by patient."""

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
        auroc_a: Of the first scores, in [0, 1].
        auroc_b: Of the second.
        difference: First minus second.
        error: Standard error of the difference.
        z: Difference in standard errors; 0 where both are 0.
        p: Two-sided. From the normal distribution; with patients from Student's t with one degree
            of freedom less than there are patients: the normal rejects too often with few.
        clusters: Number of patients; None where patches were taken as independent.
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
    groups: NDArray[Any] | None = None,
) -> DeLong:
    """Test whether two classifiers of the same patches have the same AUROC.

    Args:
        labels: int (N,), 1 is positive; both classes occur.
        scores_a: float (N,), higher is more positive.
        scores_b: float (N,).
        groups: Patient of each patch, (N,), for the clustered variance; None takes patches as
            independent, which patches of a patient are not: its p is then too small.

    Raises:
        DataError: A class is missing, lengths differ, or a class stands in one patient only.
    """
    areas, covariance = auroc_covariance(labels, np.stack([scores_a, scores_b]), groups)
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    error = float(np.sqrt(max(variance, 0.0)))
    if error < 1e-12:  # the same ranks: no difference; or one without any spread
        z = 0.0 if abs(difference) < 1e-12 else float(np.copysign(np.inf, difference))
    else:
        z = difference / error
    clusters = None if groups is None else len(np.unique(np.asarray(groups, str)))
    p = float(2 * (ndtr(-abs(z)) if clusters is None else stdtr(clusters - 1, -abs(z))))
    return DeLong(float(areas[0]), float(areas[1]), difference, error, z, p, clusters)


def auroc_covariance(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    groups: NDArray[Any] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Areas under the ROC curve and their covariance.

    DeLong et al. 1988, by midranks as in Sun & Xu 2014; with groups, the sums over patients of
    Obuchowski 1997, which are the same where each patient has one patch.

    Args:
        labels: int (N,), 1 is positive.
        scores: float (m, N), a row a classifier.
        groups: Patient of each patch, (N,), or None.

    Returns:
        float64 (m,) in [0, 1] and float64 (m, m).

    Raises:
        DataError: See `delong`.
    """
    positive = np.asarray(labels) == 1
    ranked = np.asarray(scores, np.float64)
    if ranked.shape[1] != len(positive) or (groups is not None and len(groups) != len(positive)):
        raise DataError("delong: give one score and one patient for each label.")
    if positive.all() or not positive.any():
        raise DataError("delong: the labels lack a class; there is no ROC curve.")
    names, codes = np.arange(len(positive)), np.arange(len(positive))
    if groups is not None:
        names, codes = np.unique(np.asarray(groups, str), return_inverse=True)
    won, lost = _components(positive, ranked)
    areas = won.mean(1)
    x = _sums(won - areas[:, None], codes[positive], len(names)) / positive.sum()
    y = _sums(lost - areas[:, None], codes[~positive], len(names)) / (~positive).sum()
    cross = x @ y.T
    return areas, (
        _grown(codes[positive]) * (x @ x.T)
        + _grown(codes[~positive]) * (y @ y.T)
        + _grown(codes) * (cross + cross.T)
    )


def _components(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of rivals that each positive beats, and that each negative loses to; ties half."""
    everyone = rankdata(scores, axis=1)
    pos, neg = scores[:, positive], scores[:, ~positive]
    won = (everyone[:, positive] - rankdata(pos, axis=1)) / neg.shape[1]
    lost = 1 - (everyone[:, ~positive] - rankdata(neg, axis=1)) / pos.shape[1]
    return won, lost


def _sums(values: NDArray[np.float64], codes: NDArray[np.int64], units: int) -> NDArray[np.float64]:
    return np.stack([np.bincount(codes, row, units) for row in values])


def _grown(codes: NDArray[np.int64]) -> float:
    """I / (I - 1), for I patients."""
    patients = len(np.unique(codes))
    if patients < 2:
        raise DataError("delong: a class stands in one patient only; its spread is unknown.")
    return patients / (patients - 1)
