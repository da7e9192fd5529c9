"""Which contestants cannot be told apart: the bars of a critical-difference diagram."""

from collections.abc import Collection, Sequence

import pandas as pd

LEVEL = 0.05


def cliques(
    names_in_order: Sequence[str], distinguishable: Collection[tuple[str, str]]
) -> list[tuple[str, ...]]:
    """Longest runs of neighbours of whom no two can be told apart (Demsar 2006, figure 1).

    As in those diagrams a run has no gap: two that cannot be told apart, with one between them
    that can be told from either, share no run.

    Args:
        names_in_order: Contestants by their value, each once.
        distinguishable: Pairs that can be told apart, in either order; others may be among them.

    Returns:
        The runs of two and more, in order; none lies within another.
    """
    apart = {frozenset(pair) for pair in distinguishable}
    runs, start = [], 0
    for end, name in enumerate(names_in_order):
        clashes = [
            place
            for place in range(start, end)
            if frozenset((names_in_order[place], name)) in apart
        ]
        if clashes:  # no run is within another: the next starts later, and ends later
            runs.append((start, end))
            start = clashes[-1] + 1
    runs.append((start, len(names_in_order)))
    return [tuple(names_in_order[first:end]) for first, end in runs if end - first > 1]


def distinguishable_pairs(
    differences: pd.DataFrame, metric: str, level: float = LEVEL
) -> set[tuple[str, str]]:
    """The pairs that differ in a metric, by the p that Holm corrected.

    Args:
        differences: A row a pair and metric: ``a``, ``b``, ``metric``, ``p_holm``.
        metric: The metric.
        level: Share of false alarms allowed among all pairs; a p of NaN tells nothing apart.
    """
    told = differences[(differences["metric"] == metric) & (differences["p_holm"] <= level)]
    return set(zip(told["a"].astype(str), told["b"].astype(str), strict=True))
