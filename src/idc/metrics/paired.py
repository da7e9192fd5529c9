"""Contestants compared on the same patches: differences, their intervals and p-values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.errors import ConfigError, DataError
from idc.metrics.expansion import fewest_draws
from idc.metrics.resampling import SEED, Units, patient_units
from idc.metrics.spread import Spread, mean_spread, spreads
from idc.metrics.statistics import Prediction, UnitStatistics

COMPARED = ("f1", "recall", "auroc", "average_precision")
INTERVAL_COLUMNS = ("contestant", "metric", "value", "low", "high", "repeats", "patients")
PAIR_COLUMNS = ("a", "b", "metric", "difference", "low", "high", "p", "patients")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a paired bootstrap found.

    Attributes:
        intervals: A row a contestant and metric: ``contestant``, ``metric``, ``value`` (mean over
            repeats), ``low``, ``high`` (NaN where there is no interval), ``repeats`` (how many),
            ``patients`` (how many were drawn from).
        pairs: A row a pair of contestants and metric: ``a``, ``b``, ``metric``, ``difference``
            (value of a minus value of b), ``low``, ``high``, ``p`` (two-sided, of this pair alone;
            NaN where a single patient cannot tell), ``patients``.
    """

    intervals: pd.DataFrame
    pairs: pd.DataFrame


def compare_paired(
    labels: NDArray[np.integer],
    groups: NDArray[Any],
    contestants: Mapping[str, Sequence[Prediction]],
    metrics: Sequence[str] = COMPARED,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = SEED,
) -> Comparison:
    """Paired cluster bootstrap: the same patients are drawn for all contestants.

    What patients have in common falls out of a difference, so that it can be told apart from 0
    where the two intervals overlap. An interval of a difference leaves out 0 exactly when its p is
    below 1 - `level`, see `idc.metrics.spread.Spread`. Repeats are taken as they are: that other
    training seeds would give other values is in neither the intervals nor the p-values.

    Args:
        labels: int (N,), 0..k-1.
        groups: Patient of each patch, (N,).
        contestants: Name to its repeats (training seeds), one at least, each of the same N
            patches.
        metrics: Those to compare, see `Prediction.metrics`. What is undefined for these labels is
            left out.
        draws: Number of resamples.
        level: Coverage aimed at, in (0, 1).
        seed: Fixes the draws.

    Raises:
        ConfigError: A metric is unknown, or the draws are too few for the level.
        DataError: A contestant without repeats, lengths that differ, labels outside 0..k-1.
    """
    if draws < fewest_draws(level):
        raise ConfigError(
            f"draws={draws}: too few for intervals of {level:.0%}; give at least "
            f"{fewest_draws(level)}."
        )
    units = patient_units(labels, groups)
    found = {
        name: _contestant(name, repeats, labels, units, metrics, draws, seed)
        for name, repeats in contestants.items()
    }
    intervals = [
        (name, metric, spread.value, *spread.interval(level), len(contestants[name]), units.count)
        for name, by_metric in found.items()
        for metric, spread in by_metric.items()
    ]
    pairs = []
    for metric in metrics:
        rivals = [
            (name, by_metric[metric]) for name, by_metric in found.items() if metric in by_metric
        ]
        for (a, x), (b, y) in combinations(rivals, 2):
            spread = x - y
            p = spread.p_value(level)
            numbers = (spread.value, *spread.interval(level), p, units.count)
            pairs.append((a, b, metric, *numbers))
    return Comparison(
        pd.DataFrame(intervals, columns=list(INTERVAL_COLUMNS)),
        pd.DataFrame(pairs, columns=list(PAIR_COLUMNS)),
    )


def holm(p_values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Adjust p-values for their number (Holm 1979): the chance of any false alarm is kept.

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
    units: Units,
    metrics: Sequence[str],
    draws: int,
    seed: int,
) -> dict[str, Spread]:
    """The metrics that are defined, each the mean over repeats."""
    if not repeats:
        raise DataError(f"contestant {name}: no predictions; give at least one repeat.")
    for prediction in repeats:
        unknown = [metric for metric in metrics if metric not in prediction.metrics]
        if unknown:
            raise ConfigError(
                f"metrics={unknown[0]}: contestant {name} has none of that name; choose from "
                f"{', '.join(prediction.metrics)}."
            )
    # One repeat after the other: the same seed gives the same draws.
    found = [
        spreads(UnitStatistics(labels, x, units.codes, units.count, metrics), units, draws, seed)
        for x in repeats
    ]
    means = {metric: mean_spread([x[metric] for x in found]) for metric in metrics}
    return {metric: spread for metric, spread in means.items() if spread.defined}
