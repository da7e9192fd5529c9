"""Runs of neighbours that cannot be told apart."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idc.comparison.cliques import cliques, distinguishable_pairs


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        (set(), [("a", "b", "c", "d")]),
        ({("a", "d")}, [("a", "b", "c"), ("b", "c", "d")]),
        ({("d", "a")}, [("a", "b", "c"), ("b", "c", "d")]),
        ({("b", "c")}, [("a", "b"), ("c", "d")]),
        ({("a", "b"), ("c", "d")}, [("b", "c")]),
        ({("a", "b"), ("b", "c"), ("c", "d")}, []),
        # a and c stay alone: they are alike, but b stands between them and differs from both.
        ({("a", "b"), ("b", "c"), ("x", "y")}, [("c", "d")]),
    ],
)
def test_by_hand(apart: set[tuple[str, str]], expected: list[tuple[str, ...]]) -> None:
    assert cliques(["a", "b", "c", "d"], apart) == expected


def test_nobody_and_a_single_one_make_no_run() -> None:
    assert cliques([], set()) == []
    assert cliques(["a"], {("a", "b")}) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 7), st.data())
def test_they_are_all_longest_runs_without_a_distinguishable_pair(
    number: int, data: st.DataObject
) -> None:
    names = [str(i) for i in range(number)]
    pairs = list(combinations(names, 2))
    apart = set(data.draw(st.lists(st.sampled_from(pairs), unique=True))) if pairs else set()
    runs = [
        tuple(names[i:j])
        for i in range(number)
        for j in range(i + 2, number + 1)
        if not apart & set(combinations(names[i:j], 2))
    ]
    longest = [r for r in runs if not any(set(r) < set(other) for other in runs)]
    assert cliques(names, apart) == longest


def test_pairs_are_told_apart_by_the_corrected_p_of_their_metric() -> None:
    table = pd.DataFrame(
        [
            ("a", "b", "f1", 0.001, 0.05),
            ("a", "c", "f1", 0.02, 0.06),
            ("b", "c", "recall", 0.001, 0.001),
            ("b", "d", "f1", np.nan, np.nan),
        ],
        columns=["a", "b", "metric", "p", "p_holm"],
    )
    assert distinguishable_pairs(table, "f1") == {("a", "b")}
    assert distinguishable_pairs(table, "f1", 0.1) == {("a", "b"), ("a", "c")}
    assert distinguishable_pairs(table, "f1", 0.01) == set()
