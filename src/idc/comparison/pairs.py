"""Pairs of contestants with their test results, and a short summary of all of them."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from idc.evaluation.baselines import BASELINES
from idc.reports.templating import Sentences
from idc.text import decimals_for, fixed, format_p, lower_is_better, metric_label, per_cent

FEW = 3  # contestants up to which the summary has all pairs


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

    def swapped(self) -> "Pair":
        """The same pair in the other order."""
        return replace(
            self,
            first=self.second,
            second=self.first,
            difference=-self.difference,
            low=-self.high,
            high=-self.low,
        )

    def numbers(self, value_of: Mapping[str, float], level: float, confidence: float) -> str:
        """Values, difference, interval and p-value, with decimals that suit the interval.

        Args:
            value_of: Name to value of the metric; missing values are not shown.
            level: Significance level of the test, in (0, 1).
            confidence: Nominal coverage of the interval, in (0, 1).
        """
        both = [value_of.get(name, math.nan) for name in (self.first, self.second)]
        finite = bool(np.isfinite(both).all())
        decimals = decimals_for(self.low, self.high)
        one, other = (round(value, decimals) for value in both)
        adds_up = round(one - other, decimals) == round(self.difference, decimals)
        decimals += int(finite and not adds_up and decimals < 4)
        metric, difference = metric_label(self.metric), fixed(self.difference, decimals)
        parts = [f"{metric} difference {difference}"]
        if finite:
            one_text, other_text = (fixed(value, decimals) for value in both)
            parts = [f"{metric} {one_text} against {other_text}", f"difference {difference}"]
        if math.isfinite(self.low) and math.isfinite(self.high):
            low, high = (fixed(bound, decimals) for bound in (self.low, self.high))
            parts.append(f"{per_cent(confidence)} interval {low} to {high}")
        return ", ".join([*parts, f"{format_p(self.p, level)} after Holm"])


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
    difference, low, high, p = (float(row[n]) for n in ("difference", "low", "high", "p_holm"))
    first, second, metric = (str(row[name]) for name in ("a", "b", "metric"))
    significant, patients = bool(row["apart"]), int(row["patients"])
    pair = Pair(first, second, metric, difference, low, high, p, significant, patients)
    is_baseline = [name in baselines for name in (pair.first, pair.second)]
    swap = is_baseline == [True, False]
    if is_baseline[0] == is_baseline[1]:
        swap = bool(pair.difference) and not pair.first_is_better
    return pair.swapped() if swap else pair


def summary(
    differences: pd.DataFrame,
    values: pd.DataFrame,
    metric: str,
    baselines: Collection[str] = BASELINES,
    level: float = 0.05,
    confidence: float = 0.95,
    noun: str = "setting",
) -> list[str]:
    """Summarise the significant and other differences by a metric.

    First how many pairs differ significantly, and how many fail to only because of Holm's
    correction. Then every pair of up to 3 contestants; of more the two best, and those that do not
    differ from the best. Last the best against each baseline, and those not better than it.

    Args:
        differences: See `read_pairs`.
        values: One row per contestant and metric: ``name``, ``metric``, ``value``; determines the
            contestants and their order.
        metric: The metric.
        baselines: Names that are baselines, which are not counted.
        level: Significance level, in (0, 1).
        confidence: Nominal coverage of the intervals, in (0, 1).
        noun: Noun for a contestant, in the singular.
    """
    pairs = read_pairs(differences, metric, baselines)
    of_metric = values[(values["metric"] == metric) & np.isfinite(values["value"].astype(float))]
    value_of = dict(zip(of_metric["name"].astype(str), of_metric["value"], strict=True))
    ranked = sorted(value_of, key=lambda name: value_of[name], reverse=not lower_is_better(metric))
    own = [name for name in ranked if name not in baselines]

    def tested(names: Collection[str], other: str) -> dict[str, Pair]:
        keys = {name: frozenset((name, other)) for name in names}
        return {name: pairs[key] for name, key in keys.items() if key in pairs}

    inner = [pairs[key] for key in map(frozenset, combinations(own, 2)) if key in pairs]
    against = []
    for baseline in (name for name in ranked if name in baselines):
        rivals = tested(own, baseline)
        if own and own[0] in rivals:
            better = [n for n, p in rivals.items() if p.first_is_better and p.significant]
            behind = [name for name in rivals if name not in better]
            one = {"name": baseline, "best": rivals[own[0]], "tested": len(rivals)}
            against.append(one | {"not_better": behind})
    best = tested(own[1:], own[0]) if own else {}
    sentences = Sentences(
        "pair_sentences.j2",
        metric=metric_label(metric),
        noun=noun,
        level=level,
        confidence=confidence,
        value_of=value_of,
        own=own,
        inner=inner,
        lost=sum(pair.excludes_zero and not pair.significant for pair in inner),
        shown=inner if len(own) <= FEW else inner[:1],
        similar=[name for name, pair in best.items() if not pair.significant],
        against=against,
    )
    return sentences.list("summary")
