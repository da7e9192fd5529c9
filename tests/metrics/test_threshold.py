from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score, roc_curve

from idc.errors import ConfigError, DataError
from idc.metrics.threshold import ThresholdRule


def sample(seed: int, n: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:2] = [0, 1]
    scores = np.clip(0.4 * y + 0.6 * rng.random(n), 0, 1)
    return y, scores.round(1) if ties else scores


def every_cut(scores: np.ndarray) -> list[np.ndarray]:
    """All decisions that a threshold in [0, 1] can make."""
    cuts = [scores >= cut for cut in np.unique(scores)]
    return cuts if scores.max() == 1 else [*cuts, np.zeros(len(scores), bool)]


samples = given(seed=st.integers(0, 9999), n=st.integers(4, 60), ties=st.booleans())
quickly = settings(max_examples=20, deadline=None)


@quickly
@samples
def test_max_f1_beats_every_other_cut(seed: int, n: int, ties: bool) -> None:
    y, scores = sample(seed, n, ties)
    t = ThresholdRule("max_f1").choose(y, scores)
    best = max(f1_score(y, called) for called in every_cut(scores))
    assert f1_score(y, scores >= t) == pytest.approx(best, abs=1e-12)


@quickly
@samples
def test_youden_agrees_with_the_roc_curve(seed: int, n: int, ties: bool) -> None:
    y, scores = sample(seed, n, ties)
    t = ThresholdRule("youden").choose(y, scores)
    fpr, tpr, _ = roc_curve(y, scores, drop_intermediate=False)
    called = scores >= t
    j = called[y == 1].mean() - called[y == 0].mean()
    assert j == pytest.approx((tpr - fpr)[1:].max(), abs=1e-12)


@pytest.mark.slow
@quickly
@given(seed=st.integers(0, 9999), target=st.floats(0.05, 1.0), ties=st.booleans())
def test_recall_target_is_met_by_the_highest_such_threshold(
    seed: int, target: float, ties: bool
) -> None:
    y, scores = sample(seed, 60, ties)
    t = ThresholdRule("recall", target=target).choose(y, scores)
    called = scores >= t
    assert recall_score(y, called) >= target
    reaching = [c.sum() for c in every_cut(scores) if recall_score(y, c) >= target]
    assert called.sum() == min(reaching)


@pytest.mark.slow
@quickly
@given(seed=st.integers(0, 9999), target=st.floats(0.05, 1.0), ties=st.booleans())
def test_precision_target_is_met_with_the_highest_recall(
    seed: int, target: float, ties: bool
) -> None:
    y, scores = sample(seed, 40, ties)
    rule = ThresholdRule("precision", target=target)
    called = [c for c in every_cut(scores) if c.any()]
    reaching = [c for c in called if precision_score(y, c) >= target]
    if not reaching:
        with pytest.raises(DataError, match="no threshold reaches a precision") as error:
            rule.choose(y, scores)
        best = max(precision_score(y, c) for c in called)
        assert f"The best is {best:.4f}" in str(error.value)
        return
    chosen = scores >= rule.choose(y, scores)
    assert precision_score(y, chosen) >= target
    assert recall_score(y, chosen) == max(recall_score(y, c) for c in reaching)


@quickly
@given(
    seed=st.integers(0, 9999),
    missed=st.floats(0.01, 100),
    alarm=st.floats(0.01, 100),
    ties=st.booleans(),
)
def test_no_cut_costs_less(seed: int, missed: float, alarm: float, ties: bool) -> None:
    y, scores = sample(seed, 30, ties)
    rule = ThresholdRule("cost", false_negative_cost=missed, false_positive_cost=alarm)

    def cost(called: np.ndarray) -> float:
        return missed * (~called & (y == 1)).sum() + alarm * (called & (y == 0)).sum()

    t = rule.choose(y, scores)
    assert 0 <= t <= 1
    assert cost(scores >= t) == pytest.approx(min(map(cost, every_cut(scores))))


def test_where_alarms_are_dear_nothing_is_called_positive() -> None:
    y, scores = np.array([1, 0, 0]), np.array([0.2, 0.6, 0.9])
    t = ThresholdRule("cost", false_positive_cost=100).choose(y, scores)
    assert t == pytest.approx(0.95)
    certain = np.array([0.2, 0.6, 1.0])  # every threshold in [0, 1] calls it positive
    t = ThresholdRule("cost", false_positive_cost=100).choose(y, certain)
    assert (certain >= t).tolist() == [False, False, True]


@pytest.mark.parametrize("rule", ["max_f1", "recall>=1", "precision>=0.6", "cost"])
def test_the_threshold_lies_half_way_between_scores(rule: str) -> None:
    y, scores = np.array([0, 1, 0, 1, 1]), np.array([0.1, 0.4, 0.5, 0.8, 0.9])
    assert ThresholdRule(rule).choose(y, scores) == pytest.approx(0.25)


def test_neighbouring_floats_are_parted() -> None:
    y = np.array([0, 1])
    for start in (0.3, 0.5, 0.9, 1 - 2**-52):
        scores = np.array([start, np.nextafter(start, 1)])
        t = ThresholdRule("max_f1").choose(y, scores)
        assert (scores >= t).tolist() == [False, True]


def test_fixed_is_taken_as_it_is() -> None:
    assert ThresholdRule("fixed", value=0.31).choose(np.array([1]), np.array([0.5])) == 0.31


@pytest.mark.parametrize("rule", ["max_f1", "youden", "recall", "precision", "cost"])
def test_one_class_cannot_choose(rule: str) -> None:
    for labels in (np.ones(4, int), np.zeros(4, int), np.zeros(0, int)):
        with pytest.raises(DataError, match="only one class"):
            ThresholdRule(rule).choose(labels, np.linspace(0, 1, len(labels)))


@pytest.mark.parametrize(
    ("text", "rule", "target"),
    [("recall>=0.9", "recall", 0.9), (" precision >= .75 ", "precision", 0.75)],
)
def test_a_rule_may_hold_its_target(text: str, rule: str, target: float) -> None:
    assert ThresholdRule(text) == ThresholdRule(rule, target=target)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rule": "best"}, r"threshold\.rule=best: choose max_f1, youden, recall, precision, cost"),
        ({"rule": "recall>0.9"}, r"written recall>=0\.95"),
        ({"rule": "f1>=0.9"}, r"threshold\.rule=f1>=0\.9"),
        ({"rule": "recall>=1.5"}, r"rule=recall>=1\.5: give a recall in \(0, 1\]"),
        ({"rule": "precision>=much"}, r"rule=precision>=much: give a precision"),
        ({"rule": "precision>=nan"}, "give a precision"),
    ],
)
def test_impossible_rules_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ThresholdRule(**options)


def test_rules_in_words() -> None:
    words = ThresholdRule("recall>=0.95").describe()
    assert words == "highest threshold whose validation recall is at least 0.95"
    assert "precision is at least 0.8" in ThresholdRule("precision>=0.8").describe()
    cost = ThresholdRule("cost", false_negative_cost=7, false_positive_cost=2).describe()
    assert "with 7 per missed" in cost and "2 per false alarm" in cost
    assert "0.31" in ThresholdRule("fixed", value=0.31).describe()
    assert "F1" in ThresholdRule("max_f1").describe()
    assert "Youden" in ThresholdRule("youden").describe()


def decisions(tp: int, fn: int, fp: int, tn: int) -> Callable[[ThresholdRule], str | None]:
    y = np.repeat([1, 1, 0, 0], [tp, fn, fp, tn])
    called = np.repeat([1, 0, 1, 0], [tp, fn, fp, tn])
    return lambda rule: rule.missed(y, called, "IDC")


def test_a_missed_target_is_described_with_counts() -> None:
    recall, precision = ThresholdRule("recall>=0.95"), ThresholdRule("precision>=0.9")
    assert decisions(572, 57, 10, 10)(recall) == (
        "The recall target of 0.95 was missed on test: 0.91 (57 of 629 IDC patches were missed)."
    )
    assert "(1 of 3 IDC patches was missed)" in str(decisions(2, 1, 0, 1)(recall))
    assert decisions(30, 5, 10, 99)(precision) == (
        "The precision target of 0.9 was missed on test: 0.75 (10 of 40 patches called IDC were "
        "not)."
    )
    assert decisions(19, 1, 3, 3)(recall) is None  # just reached
    assert decisions(18, 0, 2, 3)(precision) is None
    assert decisions(1, 9, 9, 1)(ThresholdRule("max_f1")) is None


def test_a_target_missed_by_a_hair_does_not_look_reached() -> None:
    words = decisions(9499, 501, 0, 1)(ThresholdRule("recall>=0.95"))
    assert words is not None
    assert ": 0.9499 (501 of 10,000" in words


def test_targets_that_cannot_be_judged() -> None:
    assert decisions(0, 0, 3, 3)(ThresholdRule("recall")) is None
    words = decisions(0, 4, 0, 4)(ThresholdRule("precision"))
    assert words is not None
    assert "cannot be judged on test: no patch was called IDC" in words


def test_the_sentence_names_split_and_class() -> None:
    y, called = np.array([1, 1]), np.array([0, 0])
    words = ThresholdRule("recall").missed(y, called, "malaria", split="validation")
    assert words is not None
    assert "missed on validation: 0.00 (2 of 2 malaria patches" in words
