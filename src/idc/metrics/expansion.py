"""Percentile intervals of few and unequal units, made as wide as they must be."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

TINY = 1e-12  # below it values differ by rounding only


def effective_units(left_out: NDArray[np.float64], units: int) -> float:
    """How many equal patients would tell as much of a metric's spread.

    Patients differ in size and in kind, so that a few make most of a metric's variance, and its
    estimate is as shaky as from few patients: degrees of freedom of Johnson & Rust 1992,
    "Population inferences and variance estimation for NAEP data", plus 1.

    Args:
        left_out: The metric without each unit, float64 (units,), or empty.
        units: Their number.

    Returns:
        A number in [2, units]; `units` where `left_out` is empty.
    """
    if not len(left_out):
        return float(units)
    if not np.isfinite(left_out).all():  # it rests on one patient
        return 2.0
    pull = left_out - left_out.mean()
    scale = np.abs(pull).max()
    if scale < TINY:
        return float(units)
    squares = (pull / scale) ** 2
    freedom = (3.16 - 2.77 / np.sqrt(units)) * squares.sum() ** 2 / (squares**2).sum()
    return float(np.clip(freedom + 1, 2, units))


def expanded_tail(level: float, units: float) -> float:
    """The share of draws to cut from each end.

    Percentile intervals over n units are too narrow by about sqrt((n - 1) / n), and by the normal
    in place of the t distribution. This is the expanded percentile interval of Hesterberg 2015,
    "What Teachers Should Know About the Bootstrap".

    Args:
        level: Coverage aimed at, in (0, 1).
        units: n, possibly broken; below 2 nothing is cut.
    """
    if units < 2:
        return 0.0
    t = -stdtrit(units - 1, (1 - level) / 2)
    return float(ndtr(-np.sqrt(units / (units - 1)) * t))


def p_from_tail(tail: float, units: float) -> float:
    """The two-sided p whose interval of level 1 - p just reaches a value: turns `expanded_tail`.

    Args:
        tail: Smaller share of the draws beyond the value, in (0, 1).
        units: n.
    """
    if units < 2 or tail >= 0.5:
        return 1.0
    return float(2 * stdtr(units - 1, ndtri(tail) * np.sqrt((units - 1) / units)))


def fewest_units(level: float, draws: int) -> float:
    """The fewest units whose expanded tail still holds a draw.

    Fewer would ask for a bound farther out than any draw.

    Args:
        level: Coverage aimed at, in (0, 1).
        draws: Number of draws.

    Returns:
        A whole number >= 2; 2 where the draws are too few for any, see `fewest_draws`.
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
    """The fewest draws that an interval of that level can be told from: 42 for 95 %.

    Args:
        level: Coverage aimed at, in (0, 1).
    """
    return int(np.ceil(2.1 / (1 - level)))
