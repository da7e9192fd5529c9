"""Which contestants cannot be told apart: the bars of a critical-difference diagram."""

from collections.abc import Collection, Sequence
from itertools import combinations

import pandas as pd


def cliques(
    names_in_order: Sequence[str], alike: Collection[tuple[str, str]]
) -> list[tuple[str, ...]]:
    """Groups that hold exactly the pairs that cannot be told apart, each pair at least once.

    Unlike the runs of Demsar 2006, figure 1, a group may pass over a name: two that cannot be told
    apart share a group though one between them differs from both. This is what a compact letter
    display shows (Piepho 2004).

    Args:
        names_in_order: Contestants by their value, each once.
        alike: Pairs that were tested and cannot be told apart, in either order; pairs of others
            are passed over.

    Returns:
        Groups of two and more, each in order, by their members' places.
    """
    # Slow to import, and only where something is compared.
    import networkx

    place = {name: number for number, name in enumerate(names_in_order)}
    graph = networkx.Graph((a, b) for a, b in alike if a in place and b in place)
    every = [tuple(sorted(group, key=place.__getitem__)) for group in networkx.find_cliques(graph)]
    every.sort(key=lambda group: (-len(group), [place[name] for name in group]))
    held: set[tuple[str, str]] = set()
    groups = []
    for group in every:  # the largest first: one whose pairs are all held already says nothing more
        pairs = set(combinations(group, 2))
        if pairs - held:
            held |= pairs
            groups.append(group)
    return sorted(groups, key=lambda group: [place[name] for name in group])


def alike_pairs(differences: pd.DataFrame, metric: str) -> set[tuple[str, str]]:
    """The pairs that were tested by a metric and cannot be told apart.

    Args:
        differences: A row a pair and metric: ``a``, ``b``, ``metric``, ``p_holm`` (NaN where
            nothing was tested) and ``apart`` (bool).
        metric: The metric.
    """
    of_metric = differences[differences["metric"] == metric]
    rows = of_metric[of_metric["p_holm"].notna() & ~of_metric["apart"].astype(bool)]
    return set(zip(rows["a"].astype(str), rows["b"].astype(str), strict=True))
