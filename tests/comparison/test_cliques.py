"""Groups of contestants without significant differences agree with the table of pairs."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idc.comparison.cliques import cliques, nonsignificant_pairs

NAMES = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("alike", "expected"),
    [
        (set(combinations(NAMES, 2)), [("a", "b", "c", "d")]),
        ({("a", "b"), ("b", "c"), ("c", "a"), ("d", "c")}, [("a", "b", "c"), ("c", "d")]),
        # b stands between a and c, and differs from both.
        ({("c", "a")}, [("a", "c")]),
        ({("a", "x")}, []),
        (set(), []),
    ],
)
def test_by_hand(alike: set[tuple[str, str]], expected: list[tuple[str, ...]]) -> None:
    assert cliques(NAMES, alike) == expected
    assert cliques([], alike) == []


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 9),
    st.integers(0, 3),
    st.lists(st.sampled_from([0.01, 0.3, np.nan]), min_size=66, max_size=66),
)
def test_bars_join_exactly_the_pairs_without_a_significant_difference(
    settings: int, baselines: int, p_values: list[float]
) -> None:
    """For any p-values; two baselines, which are not tested, are never joined."""
    names = [f"s{i}" for i in range(settings)] + [f"b{i}" for i in range(baselines)]
    pairs = [(x, y) for x, y in combinations(names, 2) if not (x[0] == y[0] == "b")]
    table = pd.DataFrame(pairs, columns=["a", "b"]).assign(metric="f1")
    p = np.array(p_values[: len(pairs)])
    table["p_holm"], table["apart"] = p, p < 0.05
    groups = cliques(names, nonsignificant_pairs(table, "f1"))
    joined = {frozenset(pair) for group in groups for pair in combinations(group, 2)}
    alike = table[table["p_holm"].notna() & ~table["apart"]]
    assert joined == {frozenset(pair) for pair in zip(alike["a"], alike["b"], strict=True)}
    assert not any(set(x) < set(y) for x in groups for y in groups)


def test_pairs_are_those_of_their_metric_that_were_tested() -> None:
    table = pd.DataFrame(
        [
            ("a", "b", "f1", 0.01, True),
            ("a", "c", "f1", 0.06, False),
            ("b", "c", "recall", 0.9, False),
            ("b", "d", "f1", np.nan, False),
        ],
        columns=["a", "b", "metric", "p_holm", "apart"],
    )
    assert nonsignificant_pairs(table, "f1") == {("a", "c")}
