"""A pair of contestants with its test result, and a sentence about it."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from idc.text import (
    count,
    decimals_for,
    fixed,
    format_p,
    lower_is_better,
    metric_label,
    per_cent,
)

ARTICLES = {"majority class": "the majority class", "class prior": "the class prior"}
PLURAL = ("colour statistics",)


@dataclass(frozen=True)
class Pair:
    """A pair of contestants and its test result: the better one first, a baseline always second.

    Attributes:
        first: Name of the first contestant.
        second: Name of the second contestant.
        metric: Metric of the test.
        difference: Value of the first minus that of the second.
        low: Lower bound of the difference.
        high: Upper bound.
        p: p-value after Holm's correction, in [0, 1]; NaN if not tested.
        significant: Whether the difference is significant.
        patients: Number of patients in the test.
    """

    first: str
    second: str
    metric: str
    difference: float
    low: float
    high: float
    p: float
    significant: bool
    patients: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval, which is not corrected for the number of pairs, excludes 0."""
        return self.low > 0 or self.high < 0

    @property
    def first_is_better(self) -> bool:
        """Whether the first has the better value, significantly or not."""
        return self.difference != 0 and (self.difference < 0) == lower_is_better(self.metric)

    @property
    def where(self) -> str:
        """The sample in words: "on 17 patients"."""
        return f"on {count(self.patients, 'patient')}"

    def sentence(
        self, values: Mapping[str, float], level: float = 0.05, confidence: float = 0.95
    ) -> str:
        """The test result with its numbers.

        Args:
            values: Name to value of the metric; missing values are not shown.
            level: Significance level of the test, in (0, 1).
            confidence: Nominal coverage of the interval, in (0, 1).
        """
        are = "are" if self.first in PLURAL else "is"
        verdict = f"{are} not distinguishable from"
        if self.significant:
            verdict = f"{are} {'better' if self.first_is_better else 'worse'} than"
        first, second = (ARTICLES.get(name, name) for name in (self.first, self.second))
        return (
            f"{first} {verdict} {second} {self.where} ({self._numbers(values, level, confidence)})."
        )

    def _numbers(self, values: Mapping[str, float], level: float, confidence: float) -> str:
        both = [values.get(name, math.nan) for name in (self.first, self.second)]
        decimals = _decimals(both, self)
        metric = metric_label(self.metric)
        difference = f"difference {fixed(self.difference, decimals)}"
        parts = [f"{metric} {difference}"]
        if np.isfinite(both).all():
            one, other = (fixed(value, decimals) for value in both)
            parts = [f"{metric} {one} against {other}", difference]
        if math.isfinite(self.low) and math.isfinite(self.high):
            low, high = (fixed(bound, decimals) for bound in (self.low, self.high))
            parts.append(f"{per_cent(confidence)} interval {low} to {high}")
        parts.append(f"{format_p(self.p, level)} after Holm")
        return ", ".join(parts)


def read_pairs(
    differences: pd.DataFrame, metric: str, baselines: Collection[str] = ()
) -> dict[frozenset[str], Pair]:
    """The pairs of a metric, ordered as in `Pair`.

    Args:
        differences: One row per pair and metric: ``a``, ``b``, ``metric``, ``difference`` (a - b),
            ``low``, ``high``, ``p_holm``, ``apart``, ``patients``.
        metric: The metric.
        baselines: Names that are baselines.

    Returns:
        The two names of each pair to the pair, in the order of the rows.
    """
    rows = differences[differences["metric"] == metric].to_dict("records")
    return {frozenset((str(row["a"]), str(row["b"]))): _ordered(row, baselines) for row in rows}


def _ordered(row: Mapping[Any, Any], baselines: Collection[str]) -> Pair:
    pair = Pair(
        first=str(row["a"]),
        second=str(row["b"]),
        metric=str(row["metric"]),
        difference=float(row["difference"]),
        low=float(row["low"]),
        high=float(row["high"]),
        p=float(row["p_holm"]),
        significant=bool(row["apart"]),
        patients=int(row["patients"]),
    )
    is_baseline = [name in baselines for name in (pair.first, pair.second)]
    swap = is_baseline == [True, False]
    if is_baseline[0] == is_baseline[1]:
        swap = bool(pair.difference) and not pair.first_is_better
    return _swapped(pair) if swap else pair


def _swapped(pair: Pair) -> Pair:
    return replace(
        pair,
        first=pair.second,
        second=pair.first,
        difference=-pair.difference,
        low=-pair.high,
        high=-pair.low,
    )


def _decimals(values: list[float], pair: Pair) -> int:
    """Decimals that suit the interval, plus one if the rounded values would not add up."""
    decimals = decimals_for(pair.low, pair.high)
    one, other = (round(value, decimals) for value in values)
    adds_up = round(one - other, decimals) == round(pair.difference, decimals)
    return decimals + int(np.isfinite(values).all() and not adds_up and decimals < 4)
