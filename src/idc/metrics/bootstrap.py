"""Bootstrap over patients: intervals of metrics, and paired differences between classifiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.errors import ConfigError
from idc.metrics.resampling import SEED, Clusters, patient_clusters
from idc.metrics.spread import Spread, fewest_draws, mean_spread, resample_metrics
from idc.metrics.statistics import Prediction, statistics_of

INTERVAL_COLUMNS = ["contestant", "metric", "value", "low", "high", "repeats", "patients"]
PAIR_COLUMNS = ["a", "b", "metric", "difference", "low", "high", "p", "patients"]


@dataclass(frozen=True)
class Intervals:
    """Intervals of the metrics of a test split.

    Attributes:
        bounds: Metric name to (low, high); see `Prediction.metrics`. Metrics that are undefined,
            or that depend on a single patient, are left out.
        patients: Number of patients that were resampled.
    """

    bounds: dict[str, tuple[float, float]]
    patients: int


def bootstrap(
    labels: NDArray[np.integer],
    prediction: Prediction,
    patients: NDArray[Any],
    draws: int = 2000,
    level: float = 0.95,
    seed: int = SEED,
) -> Intervals:
    """Cluster bootstrap (Field & Welsh 2007) of the metrics, with expanded percentile intervals.

    Whole patients are drawn with replacement (see `idc.metrics.resampling`), however few there
    are: `idc.metrics.spread.Spread.interval` corrects for few. The ``ece`` of a small test split
    is biased upwards, and may lie above its own interval, which is not.

    Args:
        labels: int (N,), 0..k-1; of several labels (N, k), 0 or 1.
        prediction: Scores and decisions of the same N patches.
        patients: Patient of each patch, (N,).
        draws: Number of resamples.
        level: Nominal coverage, in (0, 1).
        seed: Seed of the draws.

    """
    clusters = patient_clusters(labels, patients)
    statistics = statistics_of(labels, prediction, clusters.codes, clusters.count)
    spreads = resample_metrics(statistics, clusters, draws, seed)
    bounds = {name: x.interval(level) for name, x in spreads.items() if x.has_interval}
    return Intervals(bounds, clusters.count)


@dataclass(frozen=True, eq=False)
class PairedComparison:
    """Result of a paired bootstrap.

    Attributes:
        intervals: One row per contestant and metric: ``contestant``, ``metric``, ``value`` (mean
            over repeats), ``low``, ``high`` (NaN without an interval), ``repeats`` (number),
            ``patients`` (number resampled).
        pairs: One row per pair of contestants and metric: ``a``, ``b``, ``metric``, ``difference``
            (value of a minus value of b), ``low``, ``high``, ``p`` (two-sided, uncorrected; NaN
            for a single patient), ``patients``.
    """

    intervals: pd.DataFrame
    pairs: pd.DataFrame


def compare_paired(
    labels: NDArray[np.integer],
    patients: NDArray[Any],
    contestants: Mapping[str, Sequence[Prediction]],
    metrics: Sequence[str],
    draws: int = 2000,
    level: float = 0.95,
    seed: int = SEED,
) -> PairedComparison:
    """Paired cluster bootstrap: the same patients are drawn for all contestants.

    Variance that is shared by both cancels in a difference, which may differ from 0 significantly
    even if the two intervals overlap. The interval of a difference excludes 0 exactly if its p is
    below 1 - `level`, see `idc.metrics.spread.Spread`. Repeats are taken as fixed: neither
    intervals nor p-values include the variance over training seeds.

    Args:
        labels: int (N,), 0..k-1; of several labels (N, k), 0 or 1.
        patients: Patient of each patch, (N,).
        contestants: Name to predictions of the same N patches, one per repeat (training seed); at
            least one.
        metrics: Metrics to compare, see `Prediction.metrics`; those undefined for these labels are
            left out.
        draws: Number of resamples.
        level: Nominal coverage, in (0, 1).
        seed: Seed of the draws.

    Raises:
        ConfigError: The draws are too few for the level.
    """
    if draws < fewest_draws(level):
        raise ConfigError(
            f"draws={draws} is too few for {level:.0%} intervals; use at least "
            f"{fewest_draws(level)}."
        )
    clusters = patient_clusters(labels, patients)
    spreads = {
        name: _spreads(repeats, labels, clusters, metrics, draws, seed)
        for name, repeats in contestants.items()
    }
    intervals = [
        (name, metric, x.value, *x.interval(level), len(contestants[name]), clusters.count)
        for name, by_metric in spreads.items()
        for metric, x in by_metric.items()
    ]
    pairs = []
    for metric in metrics:
        for a, b in combinations([name for name in spreads if metric in spreads[name]], 2):
            x = spreads[a][metric] - spreads[b][metric]
            numbers = (x.value, *x.interval(level), x.p_value(level), clusters.count)
            pairs.append((a, b, metric, *numbers))
    return PairedComparison(
        pd.DataFrame(intervals, columns=INTERVAL_COLUMNS), pd.DataFrame(pairs, columns=PAIR_COLUMNS)
    )


def _spreads(
    repeats: Sequence[Prediction],
    labels: NDArray[np.integer],
    clusters: Clusters,
    metrics: Sequence[str],
    draws: int,
    seed: int,
) -> dict[str, Spread]:
    """The defined metrics of a contestant, each the mean over its repeats on the same draws."""
    by_repeat = [
        resample_metrics(
            statistics_of(labels, x, clusters.codes, clusters.count, metrics),
            clusters,
            draws,
            seed,
        )
        for x in repeats
    ]
    means = {metric: mean_spread([x[metric] for x in by_repeat]) for metric in metrics}
    return {metric: spread for metric, spread in means.items() if spread.defined}


def holm(p_values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Adjust p-values for multiple testing by Holm's method (1979), which controls the FWER.

    Args:
        p_values: float (M,) in [0, 1]; M may be 0.

    Returns:
        float64 (M,), in the same order.
    """
    # statsmodels' multipletests collects garbage at each call: a quarter second beside PyTorch.
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * p_values[order]))
    return adjusted
