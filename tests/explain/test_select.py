"""The choice of what to explain."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from idc.explain.select import KINDS, select_cases

PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)


@given(pairs=PAIRS, per_kind=st.integers(0, 5), seed=st.integers(0, 5))
def test_every_case_is_of_its_kind_and_as_many_as_there_are(
    pairs: list[tuple[int, int]], per_kind: int, seed: int
) -> None:
    labels, predicted = np.array(pairs).T
    cases = select_cases(labels, predicted, per_kind, seed)
    assert tuple(cases) == KINDS
    for kind, places in cases.items():
        label, called = int(kind in ("TP", "FN")), int(kind in ("TP", "FP"))
        assert (labels[places] == label).all()
        assert (predicted[places] == called).all()
        available = int(((labels == label) & (predicted == called)).sum())
        assert len(np.unique(places)) == len(places) == min(per_kind, available)
    again = select_cases(labels, predicted, per_kind, seed)
    assert all(np.array_equal(again[k], v) for k, v in cases.items())


def test_one_kind_does_not_depend_on_another() -> None:
    labels = np.array([1] * 30 + [0] * 30)
    good = np.array([1] * 30 + [0] * 30)
    worse = good.copy()
    worse[30:45] = 1  # negatives only
    one, other = (select_cases(labels, p, 4, 7)["TP"] for p in (good, worse))
    assert np.array_equal(one, other)


def test_more_classes_part_into_right_and_wrong() -> None:
    labels, predicted = np.array([0, 1, 2, 2]), np.array([0, 2, 2, 0])
    cases = select_cases(labels, predicted, 5, 0, classes=3)
    assert {k: v.tolist() for k, v in cases.items() if len(v)} == {
        "class 0 right": [0],
        "class 1 wrong": [1],
        "class 2 right": [2],
        "class 2 wrong": [3],
    }
