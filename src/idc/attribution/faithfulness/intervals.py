"""Intervals of means over patches, by a bootstrap over patients."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.metrics.grouped import share
from idc.metrics.resampling import Clusters, patient_clusters
from idc.metrics.spread import Spread

DRAWS = 2000
LEVEL = 0.95


def units_of(groups: NDArray[Any]) -> Clusters:
    """The patients that are drawn.

    Args:
        groups: Patient of each patch, (N,).
    """
    return patient_clusters(np.zeros(len(groups), np.int64), groups)


def mean_interval(
    values: NDArray[np.floating], units: Clusters, seed: int, most: float = np.inf
) -> tuple[float, float, float]:
    """Mean over patches with its 95 % interval over patients; see `idc.metrics.spread`.

    Args:
        values: float (N,); NaN are left out.
        units: See `units_of`.
        seed: Fixes the draws.
        most: The largest size that a value can have: no bound lies beyond it.

    Returns:
        Mean, low and high; NaN without values, and no interval (NaN) with fewer than two patients.
    """
    finite = np.isfinite(values)
    if not finite.any():
        return (np.nan,) * 3
    sums = np.bincount(units.codes[finite], values[finite], units.count)
    counts = np.bincount(units.codes[finite], minlength=units.count)
    mean = float(sums.sum() / counts.sum())
    drawn, left_out = (
        share(weights @ sums, weights @ counts)
        for weights in (np.concatenate(list(units.draws(DRAWS, seed))), units.left_out())
    )
    min_error = float(values[finite].std() / np.sqrt(finite.sum()))
    spread = Spread(mean, drawn, left_out, int((counts > 0).sum()), min_error=min_error)
    low, high = spread.interval(LEVEL)
    return mean, max(low, -most), min(high, most)
