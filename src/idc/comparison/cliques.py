"""Groups of contestants without significant differences, for critical-difference diagrams."""

from collections.abc import Collection, Sequence
from itertools import combinations

import pandas as pd


def cliques(
    names_in_order: Sequence[str], pairs: Collection[tuple[str, str]]
) -> list[tuple[str, ...]]:
    """Groups that contain exactly the pairs without a significant difference.

    Unlike in Demsar 2006, figure 1, a group need not be contiguous: two contestants share a group
    even if one ranked between them differs from both, as in a compact letter display (Piepho
    2004). Each pair is in at least one group.

    Args:
        names_in_order: Contestants in the order of their values, each once.
        pairs: Pairs that were tested and do not differ significantly, in either order; pairs of
            other names are ignored.

    Returns:
        Groups of two or more, sorted like their members.
    """
    # Slow to import, and needed only for comparisons.
    import networkx

    place = {name: number for number, name in enumerate(names_in_order)}
    graph = networkx.Graph((a, b) for a, b in pairs if a in place and b in place)
    candidates = [
        tuple(sorted(group, key=place.__getitem__)) for group in networkx.find_cliques(graph)
    ]
    candidates.sort(key=lambda group: (-len(group), [place[name] for name in group]))
    covered: set[tuple[str, str]] = set()
    groups = []
    for group in candidates:  # the largest first; a group is redundant if all its pairs are covered
        pairs = set(combinations(group, 2))
        if pairs - covered:
            covered |= pairs
            groups.append(group)
    return sorted(groups, key=lambda group: [place[name] for name in group])


def nonsignificant_pairs(differences: pd.DataFrame, metric: str) -> set[tuple[str, str]]:
    """Pairs that were tested by a metric and do not differ significantly.

    Args:
        differences: One row per pair and metric: ``a``, ``b``, ``metric``, ``p_holm`` (NaN if not
            tested) and ``apart`` (bool, significant).
        metric: The metric.
    """
    of_metric = differences[differences["metric"] == metric]
    rows = of_metric[of_metric["p_holm"].notna() & ~of_metric["apart"].astype(bool)]
    return set(zip(rows["a"].astype(str), rows["b"].astype(str), strict=True))
