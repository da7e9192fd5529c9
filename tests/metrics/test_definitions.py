"""Formulas of the metrics by hand, for NumPy and torch, and what is said of each."""

import numpy as np
import pytest
import torch

from idc.metrics.definitions import (
    AREA_METRICS,
    BY_PREVALENCE,
    DECISION_METRICS,
    METRICS,
    Counts,
    Ranks,
    macro,
    ratio,
)

# 8 patches of the class, 6 of them called so; 12 others, 2 of them called so.
COUNTS = (6.0, 2.0, 2.0, 10.0)
BY_HAND = {
    "recall": 6 / 8,
    "specificity": 10 / 12,
    "precision": 6 / 8,
    "f1": 12 / 16,
    "balanced_accuracy": (6 / 8 + 10 / 12) / 2,
    "accuracy": 16 / 20,
}


@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_decisions_by_hand(kind: object) -> None:
    counts = Counts(*(kind([cell, 0.0]) for cell in COUNTS))  # type: ignore[operator]
    assert {metric.name for metric in DECISION_METRICS} == set(BY_HAND)
    for metric in DECISION_METRICS:
        assert metric.of_two(counts).tolist() == pytest.approx([BY_HAND[metric.name], 0.0])


def test_more_classes_are_averaged_over_those_that_occur() -> None:
    """Of three classes the last is neither a label nor a decision; 7 of 10 are right."""
    counts = Counts(*map(np.array, ([4.0, 3, 0], [1.0, 2, 0], [2.0, 1, 0], [3.0, 4, 10])))
    values = {metric.name: metric.of_more(counts) for metric in DECISION_METRICS}
    assert values["recall"] == values["balanced_accuracy"] == pytest.approx((4 / 6 + 3 / 4) / 2)
    assert values["precision"] == pytest.approx((4 / 5 + 3 / 5) / 2)
    assert values["accuracy"] == pytest.approx(7 / 10)
    assert macro(lambda c: c.tp, Counts(*np.zeros((4, 3)))) == 0


def test_areas_by_hand() -> None:
    """Positives score 0.9 and 0.5, negatives 0.5 and 0.1: three and a half of four pairs."""
    cells = ([1.0, 1], [1.0, 2], [0.0, 1], [0.0, 0], [2.0], [2.0])
    values = {metric.name: metric.of_ranks(Ranks(*map(np.array, cells))) for metric in AREA_METRICS}
    assert values == {"auroc": 3.5 / 4, "average_precision": pytest.approx((1 + 2 / 3) / 2)}


def test_a_ratio_of_nothing_is_nothing() -> None:
    assert ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0])).tolist() == [0.25, 0.0]


def test_every_metric_can_be_described_in_the_names_of_the_classes() -> None:
    words = {"yes": "IDC", "no": "no IDC", "share": "0.284", "most": "0.716"}
    meanings = [metric.meaning.format_map(words) for metric in METRICS.values()]
    assert len(set(meanings)) == len(METRICS) == 8
    assert not [text for text in meanings if "{" in text]
    assert set(BY_PREVALENCE) < set(METRICS)
