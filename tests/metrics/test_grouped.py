"""Confusion matrices of groups, and the metrics made from them."""

import numpy as np
import pytest
from sklearn import metrics as sk

from idc.metrics.definitions import Counts
from idc.metrics.grouped import (
    confusion_matrices,
    decision_metrics,
    metrics_of_two,
    one_against_rest,
    share,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("classes", [2, 4])
def test_each_group_has_the_matrix_and_metrics_of_scikit_learn(classes: int) -> None:
    labels, called = RNG.integers(0, classes, (2, 300))
    groups = RNG.integers(0, 3, 300)
    matrices = confusion_matrices(labels, called, groups, 4, classes)
    assert matrices[3].sum() == 0
    values = decision_metrics(matrices)
    how = {"average": "binary" if classes == 2 else "macro"}
    for group in range(3):
        y, decided = labels[groups == group], called[groups == group]
        assert np.array_equal(matrices[group], sk.confusion_matrix(y, decided))
        assert values["f1"][group] == pytest.approx(sk.f1_score(y, decided, **how))
        assert values["recall"][group] == pytest.approx(sk.recall_score(y, decided, **how))
        assert values["accuracy"][group] == pytest.approx((y == decided).mean())


def test_one_against_the_rest_counts_every_patch_once_per_class() -> None:
    counts = one_against_rest(np.array([[[5, 1, 0], [2, 3, 1], [0, 0, 4]]]))
    assert counts.tp.tolist() == [[5, 3, 4]]
    assert counts.fp.tolist() == [[2, 1, 1]]
    assert counts.fn.tolist() == [[1, 3, 0]]
    assert counts.sum("tp fp fn tn").tolist() == [[16, 16, 16]]


def test_what_a_missing_label_leaves_undefined() -> None:
    """Groups without a negative, without a positive, and with both but no positive decision."""
    counts = Counts(*map(np.array, ([3.0, 0, 0], [0.0, 1, 0], [1.0, 0, 2], [0.0, 3, 4])))
    values = metrics_of_two(counts)
    assert values["recall"] == pytest.approx([0.75, np.nan, 0], nan_ok=True)
    assert values["specificity"] == pytest.approx([np.nan, 0.75, 1], nan_ok=True)
    assert values["precision"] == pytest.approx([1, np.nan, 0], nan_ok=True)
    assert values["balanced_accuracy"] == pytest.approx([np.nan, np.nan, 0.5], nan_ok=True)
    assert values["accuracy"] == pytest.approx([0.75, 0.75, 4 / 6])


def test_a_share_of_nothing_is_unknown() -> None:
    assert share(np.array([1, 0]), np.array([4, 0])) == pytest.approx([0.25, np.nan], nan_ok=True)
