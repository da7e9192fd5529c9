"""Paired comparison of classifiers on the same patches: differences, intervals and p-values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.errors import ConfigError, DataError
from idc.metrics.expansion import fewest_draws
from idc.metrics.resampling import SEED, Clusters, patient_clusters
from idc.metrics.spread import Spread, mean_spread, resample_metrics
from idc.metrics.statistics import ClusterStatistics, Prediction

COMPARED = ("f1", "recall", "auroc", "average_precision")
INTERVAL_COLUMNS = ("contestant", "metric", "value", "low", "high", "repeats", "patients")
PAIR_COLUMNS = ("a", "b", "metric", "difference", "low", "high", "p", "patients")


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
    metrics: Sequence[str] = COMPARED,
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
        labels: int (N,), 0..k-1.
        patients: Patient of each patch, (N,).
        contestants: Name to predictions of the same N patches, one per repeat (training seed); at
            least one.
        metrics: Metrics to compare, see `Prediction.metrics`; those undefined for these labels are
            left out.
        draws: Number of resamples.
        level: Nominal coverage, in (0, 1).
        seed: Seed of the draws.

    Raises:
        ConfigError: A metric is unknown, or the draws are too few for the level.
        DataError: A contestant without repeats, lengths differ, or labels outside 0..k-1.
    """
    if draws < fewest_draws(level):
        raise ConfigError(
            f"draws={draws} is too few for {level:.0%} intervals; use at least "
            f"{fewest_draws(level)}."
        )
    clusters = patient_clusters(labels, patients)
    by_contestant = {
        name: _contestant(name, repeats, labels, clusters, metrics, draws, seed)
        for name, repeats in contestants.items()
    }
    intervals = [
        (
            name,
            metric,
            spread.value,
            *spread.interval(level),
            len(contestants[name]),
            clusters.count,
        )
        for name, by_metric in by_contestant.items()
        for metric, spread in by_metric.items()
    ]
    pairs = []
    for metric in metrics:
        defined = [
            (name, by_metric[metric])
            for name, by_metric in by_contestant.items()
            if metric in by_metric
        ]
        for (a, x), (b, y) in combinations(defined, 2):
            spread = x - y
            p = spread.p_value(level)
            numbers = (spread.value, *spread.interval(level), p, clusters.count)
            pairs.append((a, b, metric, *numbers))
    return PairedComparison(
        pd.DataFrame(intervals, columns=list(INTERVAL_COLUMNS)),
        pd.DataFrame(pairs, columns=list(PAIR_COLUMNS)),
    )


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


def _contestant(
    name: str,
    repeats: Sequence[Prediction],
    labels: NDArray[np.integer],
    clusters: Clusters,
    metrics: Sequence[str],
    draws: int,
    seed: int,
) -> dict[str, Spread]:
    """Resample the defined metrics of a contestant, each as the mean over its repeats."""
    if not repeats:
        raise DataError(f"contestant {name} has no predictions; give at least one repeat.")
    for prediction in repeats:
        unknown = [metric for metric in metrics if metric not in prediction.metrics]
        if unknown:
            raise ConfigError(
                f"metrics={unknown[0]}: unknown for contestant {name}; choose from "
                f"{', '.join(prediction.metrics)}."
            )
    # One repeat after the other: the same seed gives the same draws.
    by_repeat = [
        resample_metrics(
            ClusterStatistics(labels, x, clusters.codes, clusters.count, metrics),
            clusters,
            draws,
            seed,
        )
        for x in repeats
    ]
    means = {metric: mean_spread([x[metric] for x in by_repeat]) for metric in metrics}
    return {metric: spread for metric, spread in means.items() if spread.defined}
