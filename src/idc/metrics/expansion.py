"""Expanded percentile intervals, for few clusters of unequal size."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

TINY = 1e-12  # below it values differ by rounding only


def effective_clusters(left_out: NDArray[np.float64], clusters: int) -> float:
    """Effective number of equal patients for the variance of a metric.

    Patients differ in size and in kind, so that a few may contribute most of a metric's variance,
    and its estimate is then as uncertain as from few patients. Degrees of degrees of Johnson &
    Rust 1992, "Population inferences and variance estimation for NAEP data", plus 1.

    Args:
        left_out: The metric without each cluster (jackknife), float64 (clusters,), or empty.
        clusters: Number of clusters.

    Returns:
        A number in [2, clusters]; `clusters` where `left_out` is empty.
    """
    if not len(left_out):
        return float(clusters)
    if not np.isfinite(left_out).all():  # the metric depends on one patient
        return 2.0
    deviations = left_out - left_out.mean()
    scale = np.abs(deviations).max()
    if scale < TINY:
        return float(clusters)
    squares = (deviations / scale) ** 2
    degrees = (3.16 - 2.77 / np.sqrt(clusters)) * squares.sum() ** 2 / (squares**2).sum()
    return float(np.clip(degrees + 1, 2, clusters))


def expanded_tail(level: float, clusters: float) -> float:
    """Share of the draws beyond each end of the interval.

    Percentile intervals over n clusters are too narrow by about sqrt((n - 1) / n), and because they
    use the normal in place of the t distribution. This is the expanded percentile interval of
    Hesterberg 2015, "What Teachers Should Know About the Bootstrap".

    Args:
        level: Nominal coverage, in (0, 1).
        clusters: n, possibly fractional; below 2 the share is 0.
    """
    if clusters < 2:
        return 0.0
    t = -stdtrit(clusters - 1, (1 - level) / 2)
    return float(ndtr(-np.sqrt(clusters / (clusters - 1)) * t))


def p_from_tail(tail: float, clusters: float) -> float:
    """Two-sided p-value at which the interval just reaches a value; inverts `expanded_tail`.

    Args:
        tail: Smaller share of the draws beyond the value, in (0, 1).
        clusters: n.
    """
    if clusters < 2 or tail >= 0.5:
        return 1.0
    return float(2 * stdtr(clusters - 1, ndtri(tail) * np.sqrt((clusters - 1) / clusters)))


def fewest_clusters(level: float, draws: int) -> float:
    """Fewest clusters whose expanded tail still contains a draw.

    For fewer the bound would lie beyond all draws.

    Args:
        level: Nominal coverage, in (0, 1).
        draws: Number of draws.

    Returns:
        A whole number >= 2; 2 if the draws are too few for any, see `fewest_draws`.
    """
    if draws < fewest_draws(level):
        return 2.0
    low, high = 2, 4
    while expanded_tail(level, high) * (draws + 1) <= 1:
        high *= 2
    while low < high:
        middle = (low + high) // 2
        if expanded_tail(level, middle) * (draws + 1) > 1:
            high = middle
        else:
            low = middle + 1
    return float(low)


def fewest_draws(level: float) -> int:
    """Fewest draws from which an interval of that level can be estimated: 42 for 95 %.

    Args:
        level: Nominal coverage, in (0, 1).
    """
    return int(np.ceil(2.1 / (1 - level)))
