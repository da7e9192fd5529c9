"""Short summary of a comparison, whatever the number of contestants."""

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from idc.comparison.pairs import ARTICLES, Pair, read_pairs
from idc.evaluation.baseline_models import BASELINES
from idc.text import count, listing, lower_is_better, metric_label

FEW = 3  # contestants up to which the summary has all pairs
Pairs = dict[frozenset[str], Pair]


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
        differences: See `idc.comparison.pairs.read_pairs`.
        values: One row per contestant and metric: ``name``, ``metric``, ``value``; determines the
            contestants and their order.
        metric: The metric.
        baselines: Names that are baselines, which are not counted.
        level: Significance level, in (0, 1).
        confidence: Nominal coverage of the intervals, in (0, 1).
        noun: Noun for a contestant, in the singular.
    """
    pairs = read_pairs(differences, metric, baselines)
    value_of = _values(values, metric)
    ranked = sorted(value_of, key=lambda name: value_of[name], reverse=not lower_is_better(metric))
    contestants = [name for name in ranked if name not in baselines]
    if not contestants:
        return [f"No {noun} has a value of {metric_label(metric)}: there is nothing to compare."]
    inner_pairs = [p for one, two in combinations(contestants, 2) if (p := _find(pairs, one, two))]
    shown = inner_pairs if len(contestants) <= FEW else inner_pairs[:1]
    sentences = [_lead(contestants, inner_pairs, metric, noun), *_lost_to_correction(inner_pairs)]
    sentences += [pair.sentence(value_of, level, confidence) for pair in shown]
    if len(contestants) > FEW and inner_pairs:
        sentences.append(_beside_the_best(contestants, pairs))
    for baseline in (name for name in ranked if name in baselines):
        if pair := _find(pairs, contestants[0], baseline):
            sentences.append(pair.sentence(value_of, level, confidence))
            sentences += _not_better(contestants, baseline, pairs, noun)
    return sentences


def _values(values: pd.DataFrame, metric: str) -> dict[str, float]:
    of_metric = values[values["metric"] == metric]
    finite = of_metric[np.isfinite(of_metric["value"].to_numpy(np.float64))]
    return dict(zip(finite["name"].astype(str), finite["value"].astype(float), strict=True))


def _find(pairs: Pairs, one: str, other: str) -> Pair | None:
    return pairs.get(frozenset((one, other)))


def _lead(contestants: Sequence[str], inner_pairs: Sequence[Pair], metric: str, noun: str) -> str:
    number = len(contestants)
    if number == 1:
        return f"{contestants[0]} is the only {noun}: there is no other to compare it with."
    those = f"the {count(number, noun)}"
    if not inner_pairs:
        return f"No pair of {those} was tested."
    significant = sum(pair.significant for pair in inner_pairs)
    every = significant == len(inner_pairs)
    if len(inner_pairs) == 1:
        start = f"{those[0].upper()}{those[1:]} {'differ' if every else 'do not differ'}"
    elif every:
        start = f"All {len(inner_pairs):,} pairs of {those} differ"
    elif significant:
        verb = "differs" if significant == 1 else "differ"
        start = f"{significant:,} of the {len(inner_pairs):,} pairs of {those} {verb}"
    else:
        start = f"No pair of {those} differs"
    return f"{start} significantly in {metric_label(metric)} {inner_pairs[0].where}."


def _lost_to_correction(inner_pairs: Sequence[Pair]) -> list[str]:
    """Pairs whose interval excludes 0, but that are not significant after Holm's correction."""
    lost = sum(pair.excludes_zero and not pair.significant for pair in inner_pairs)
    if not lost:
        return []
    each = "it were" if lost == 1 else "each were"
    pairs = f"{count(lost, 'pair')} {'has an interval' if lost == 1 else 'have intervals'}"
    return [f"{pairs} without 0, and would be significant if {each} the only one tested."]


def _beside_the_best(contestants: Sequence[str], pairs: Pairs) -> str:
    best, *others = contestants
    similar = [
        name for name in others if (pair := _find(pairs, best, name)) and not pair.significant
    ]
    if not similar:
        return f"The best, {best}, differs significantly from all others."
    verb = "does" if len(similar) == 1 else "do"
    return (
        f"{len(similar):,} of the {len(others):,} others {verb} not "
        f"differ significantly from the best, {best}: {listing(similar)}."
    )


def _not_better(contestants: Sequence[str], baseline: str, pairs: Pairs, noun: str) -> list[str]:
    """Contestants not significantly better than a baseline, if more than one was tested."""
    tested = [name for name in contestants if _find(pairs, name, baseline)]
    beaten = [
        name
        for name in tested
        if (pair := _find(pairs, name, baseline)) and pair.first_is_better and pair.significant
    ]
    not_better = [name for name in tested if name not in beaten]
    if len(tested) < 2 or not not_better:
        return []
    baseline_name = ARTICLES.get(baseline, baseline)
    if not beaten:
        return [
            f"None of the {count(len(tested), noun)} is shown to be better than {baseline_name}."
        ]
    are = "is" if len(not_better) == 1 else "are"
    some = f"{len(not_better):,} of the {count(len(tested), noun)} {are}"
    return [f"{some} not shown to be better than {baseline_name}: {listing(not_better)}."]
