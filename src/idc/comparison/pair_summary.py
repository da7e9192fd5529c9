"""A comparison in sentences, short however many took part."""

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from idc.comparison.pairs import ARTICLES, Pair, read_pairs
from idc.evaluation.baseline_models import BASELINES
from idc.text import count, listing, lower_is_better, metric_words

FEW = 3  # so many contestants have each of their pairs in the summary
Pairs = dict[frozenset[str], Pair]


def pair_sentences(
    differences: pd.DataFrame,
    values: pd.DataFrame,
    metric: str,
    baselines: Collection[str] = BASELINES,
    level: float = 0.05,
    confidence: float = 0.95,
) -> list[str]:
    """A sentence a pair, in the order of the rows.

    Args:
        differences: See `idc.comparison.pairs.read_pairs`.
        values: A row a contestant and metric: ``name``, ``metric``, ``value``.
        metric: The metric.
        baselines: Names that are baselines.
        level: Share of false alarms allowed among all pairs, in (0, 1).
        confidence: Of the intervals, in (0, 1).

    Returns:
        Such as "vgg16 is not distinguishable from resnet50 on 5 patients (F1 0.71 against 0.69,
        difference 0.02, 95 % interval -0.05 to 0.09, p = 0.61 after Holm)."
    """
    known = _values(values, metric)
    pairs = read_pairs(differences, metric, baselines).values()
    return [pair.sentence(known, level, confidence) for pair in pairs]


def summary(
    differences: pd.DataFrame,
    values: pd.DataFrame,
    metric: str,
    baselines: Collection[str] = BASELINES,
    level: float = 0.05,
    confidence: float = 0.95,
    noun: str = "setting",
) -> list[str]:
    """What a reader must know, the lead first.

    Next, how many pairs only Holm's correction keeps from being told apart. Up to 3 contestants
    have each of their pairs told; of more the two best, and who cannot be told from the best. Then
    the best against each baseline, and who is not better than it.

    Args:
        differences: See `idc.comparison.pairs.read_pairs`.
        values: See `pair_sentences`; it gives the order, and who takes part.
        metric: The metric.
        baselines: Names that are baselines; they are judged against, and not counted.
        level: Share of false alarms allowed among all pairs, in (0, 1).
        confidence: Of the intervals, in (0, 1).
        noun: What a contestant is, in the singular.
    """
    pairs = read_pairs(differences, metric, baselines)
    known = _values(values, metric)
    ranked = sorted(known, key=lambda name: known[name], reverse=not lower_is_better(metric))
    contestants = [name for name in ranked if name not in baselines]
    if not contestants:
        return [f"No {noun} has a value of {metric_words(metric)}: there is nothing to compare."]
    inner = [p for one, two in combinations(contestants, 2) if (p := _find(pairs, one, two))]
    told = inner if len(contestants) <= FEW else inner[:1]
    sentences = [_lead(contestants, inner, metric, noun), *_lost(inner)]
    sentences += [pair.sentence(known, level, confidence) for pair in told]
    if len(contestants) > FEW and inner:
        sentences.append(_beside_the_best(contestants, pairs))
    for baseline in (name for name in ranked if name in baselines):
        if pair := _find(pairs, contestants[0], baseline):
            sentences.append(pair.sentence(known, level, confidence))
            sentences += _not_better(contestants, baseline, pairs, noun)
    return sentences


def _values(values: pd.DataFrame, metric: str) -> dict[str, float]:
    of_metric = values[values["metric"] == metric]
    known = of_metric[np.isfinite(of_metric["value"].to_numpy(np.float64))]
    return dict(zip(known["name"].astype(str), known["value"].astype(float), strict=True))


def _find(pairs: Pairs, one: str, other: str) -> Pair | None:
    return pairs.get(frozenset((one, other)))


def _lead(contestants: Sequence[str], inner: Sequence[Pair], metric: str, noun: str) -> str:
    number = len(contestants)
    if number == 1:
        return f"{contestants[0]} is the only {noun}: there is no other to compare it with."
    those = f"the {count(number, noun)}"
    if not inner:
        return f"No two of {those} were tested against each other."
    apart = sum(pair.apart for pair in inner)
    every = apart == len(inner)
    if len(inner) == 1:
        start = f"{those[0].upper()}{those[1:]} {'can' if every else 'cannot'} be told apart"
    elif every:
        start = f"All {len(inner):,} pairs of {those} can be told apart"
    else:
        some = f"{apart:,} of the {len(inner):,} pairs" if apart else "No pair"
        start = f"{some} of {those} can be told apart"
    return f"{start} by {metric_words(metric)} {inner[0].where}."


def _lost(inner: Sequence[Pair]) -> list[str]:
    """What the number of pairs costs: intervals without 0 of pairs that are not told apart."""
    lost = sum(pair.leaves_out_zero and not pair.apart for pair in inner)
    if not lost:
        return []
    each = "it were" if lost == 1 else "each were"
    pairs = f"{count(lost, 'pair')} {'has an interval' if lost == 1 else 'have intervals'}"
    return [f"{pairs} without 0, and could be told apart if {each} the only one tested."]


def _beside_the_best(contestants: Sequence[str], pairs: Pairs) -> str:
    best, *others = contestants
    alike = [name for name in others if (pair := _find(pairs, best, name)) and not pair.apart]
    if not alike:
        return f"The best, {best}, can be told from all others."
    return (
        f"{len(alike):,} of the {len(others):,} others cannot be told from the best, {best}: "
        f"{listing(alike)}."
    )


def _not_better(contestants: Sequence[str], baseline: str, pairs: Pairs, noun: str) -> list[str]:
    """Who has not beaten a baseline, if more than one tried."""
    met = [name for name in contestants if _find(pairs, name, baseline)]
    beaten = [
        name
        for name in met
        if (pair := _find(pairs, name, baseline)) and pair.first_is_better and pair.apart
    ]
    left = [name for name in met if name not in beaten]
    if len(met) < 2 or not left:
        return []
    what = ARTICLES.get(baseline, baseline)
    if not beaten:
        return [f"None of the {count(len(met), noun)} is shown to be better than {what}."]
    are = "is" if len(left) == 1 else "are"
    some = f"{len(left):,} of the {count(len(met), noun)} {are}"
    return [f"{some} not shown to be better than {what}: {listing(left)}."]
