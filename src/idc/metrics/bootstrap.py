"""Bootstrap intervals of the test metrics over patients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.metrics.resampling import SEED, patient_clusters
from idc.metrics.spread import resample_metrics
from idc.metrics.statistics import ClusterStatistics, Prediction


@dataclass(frozen=True)
class Intervals:
    """Intervals of the metrics of a test split.

    Attributes:
        bounds: Metric name to (low, high); see `idc.metrics.statistics.ClusterStatistics.names`.
            Metrics that are undefined, or that depend on a single patient, are left out.
        patients: Number of patients that were resampled.
    """

    bounds: dict[str, tuple[float, float]]
    patients: int


def bootstrap(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    patients: NDArray[Any],
    decisions: Mapping[str, NDArray[np.integer]],
    draws: int = 2000,
    level: float = 0.95,
    seed: int = SEED,
) -> Intervals:
    """Cluster bootstrap (Field & Welsh 2007) of the metrics, with expanded percentile intervals.

    Whole patients are drawn with replacement (see `idc.metrics.resampling`), however few there
    are: `idc.metrics.spread.Spread.interval` corrects for few. The ``ece`` of a small test split
    is biased upwards, and may lie above its own interval, which is not.

    Args:
        labels: int (N,), 0..k-1.
        scores: Two classes: probability of class 1, float (N,); more: float (N, k). In [0, 1].
        patients: Patient of each patch, (N,).
        decisions: Suffix of the metrics' names to predicted labels, int (N,): ``{"": ...,
            "_at_0.5": ...}`` gives ``f1`` and ``f1_at_0.5``.
        draws: Number of resamples.
        level: Nominal coverage, in (0, 1).
        seed: Seed of the draws.

    Returns:
        The intervals.

    Raises:
        DataError: No predictions, lengths differ, or labels outside 0..k-1.
    """
    clusters = patient_clusters(labels, patients)
    statistics = ClusterStatistics(
        labels, Prediction(scores, decisions), clusters.codes, clusters.count
    )
    bounds = {
        name: spread.interval(level)
        for name, spread in resample_metrics(statistics, clusters, draws, seed).items()
        if spread.has_interval
    }
    return Intervals(bounds, clusters.count)
