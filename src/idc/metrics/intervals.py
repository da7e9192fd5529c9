"""Bootstrap intervals of the test metrics, over patients where there are enough of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.metrics.resampling import choose_units
from idc.metrics.spread import spreads
from idc.metrics.statistics import Prediction, UnitStatistics


@dataclass(frozen=True)
class Intervals:
    """Percentile intervals.

    Attributes:
        bounds: Metric name to (low, high); see `idc.metrics.statistics.UnitStatistics.names`. What
            is undefined, because the labels lack a class, is left out.
        unit: What was drawn: ``patient`` or ``patch``.
        units: How many of them there are.
        optimistic: True for patches: those of one patient resemble one another, so an interval
            over patches is too narrow for new patients.
    """

    bounds: dict[str, tuple[float, float]]
    unit: str
    units: int
    optimistic: bool


def bootstrap(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    groups: NDArray[Any],
    decisions: Mapping[str, NDArray[np.integer]],
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Intervals:
    """Cluster bootstrap (Field & Welsh 2007) of the metrics, with expanded percentile intervals.

    Whole patients are drawn with replacement, see `idc.metrics.resampling`. With fewer than
    `idc.metrics.resampling.MIN_PATIENTS` patients that says little; patches are drawn in their
    place, which is marked as optimistic. Two things no interval makes good: errors that no patient
    of the test side shows (a metric of exactly 1 has an interval of no width), and the ``ece`` of a
    small test side, which is too high by chance, while its interval is not.

    Args:
        labels: int (N,), 0..k-1.
        scores: Two classes: probability of class 1, float (N,); more: float (N, k). In [0, 1].
        groups: Patient of each patch, (N,).
        decisions: Suffix of the metrics' names to predicted labels, int (N,): ``{"": ...,
            "_at_0.5": ...}`` gives ``f1`` and ``f1_at_0.5``.
        draws: Number of resamples.
        level: Coverage aimed at, in (0, 1).
        seed: Fixes the draws.

    Returns:
        The intervals.

    Raises:
        DataError: No predictions, lengths that differ, or labels outside 0..k-1.
    """
    units = choose_units(labels, groups)
    statistics = UnitStatistics(labels, Prediction(scores, decisions), units.codes, units.count)
    bounds = {
        name: spread.interval(level)
        for name, spread in spreads(statistics, units, draws, seed).items()
        if spread.defined
    }
    return Intervals(bounds, units.kind, units.count, units.optimistic)
