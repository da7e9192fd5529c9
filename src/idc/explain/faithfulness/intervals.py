"""Intervals of means over patches, by a bootstrap over patients."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.metrics.resampling import Units, choose_units

DRAWS = 2000
TAILS = (0.025, 0.975)


def units_of(groups: NDArray[Any]) -> Units:
    """Patients where there are ten or more, else patches, which is optimistic.

    Args:
        groups: Patient of each patch, (N,).
    """
    return choose_units(np.zeros(len(groups), np.int64), groups)


def mean_interval(
    values: NDArray[np.floating], units: Units, seed: int
) -> tuple[float, float, float]:
    """Mean over patches with its 95 % interval (percentiles of draws of units).

    Args:
        values: float (N,); NaN are left out.
        units: See `units_of`.
        seed: Fixes the draws.

    Returns:
        Mean, low and high; NaN without values, and no interval (NaN) with fewer than two units.
    """
    known = np.isfinite(values)
    if not known.any():
        return (np.nan,) * 3
    sums = np.bincount(units.codes[known], values[known], units.count)
    counts = np.bincount(units.codes[known], minlength=units.count)
    mean = float(sums.sum() / counts.sum())
    if (counts > 0).sum() < 2:
        return mean, np.nan, np.nan
    weights = np.concatenate(list(units.draws(DRAWS, seed)))
    drawn = weights @ counts
    means = (weights @ sums)[drawn > 0] / drawn[drawn > 0]
    low, high = np.quantile(means, TAILS)
    return mean, float(low), float(high)
