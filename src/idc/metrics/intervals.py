"""Bootstrap intervals of the test metrics, over patients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.metrics.resampling import SEED, patient_units
from idc.metrics.spread import spreads
from idc.metrics.statistics import Prediction, UnitStatistics


@dataclass(frozen=True)
class Intervals:
    """Intervals of the metrics of a test split.

    Attributes:
        bounds: Metric name to (low, high); see `idc.metrics.statistics.UnitStatistics.names`. Left
            out are what is undefined, because the labels lack a class, and what rests on a single
            patient: that says nothing of others.
        patients: How many patients were drawn from.
    """

    bounds: dict[str, tuple[float, float]]
    patients: int


def bootstrap(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    groups: NDArray[Any],
    decisions: Mapping[str, NDArray[np.integer]],
    draws: int = 2000,
    level: float = 0.95,
    seed: int = SEED,
) -> Intervals:
    """Cluster bootstrap (Field & Welsh 2007) of the metrics, with expanded percentile intervals.

    Whole patients are drawn with replacement, see `idc.metrics.resampling`, however few there are:
    `idc.metrics.spread.Spread.interval` says what becomes of few. What no interval makes good is
    the ``ece`` of a small test split, which is too high by chance, while its interval is not.

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
    units = patient_units(labels, groups)
    statistics = UnitStatistics(labels, Prediction(scores, decisions), units.codes, units.count)
    bounds = {
        name: spread.interval(level)
        for name, spread in spreads(statistics, units, draws, seed).items()
        if spread.has_interval
    }
    return Intervals(bounds, units.count)
