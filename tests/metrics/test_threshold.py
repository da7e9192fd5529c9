import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score, roc_curve

from idc.errors import ConfigError, DataError
from idc.metrics.threshold import ThresholdRule


def sample(seed: int, n: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:2] = [0, 1]
    scores = np.clip(0.4 * y + 0.6 * rng.random(n), 0, 1)
    return y, scores.round(1) if ties else scores


samples = given(seed=st.integers(0, 9999), n=st.integers(4, 80), ties=st.booleans())


@settings(max_examples=50, deadline=None)
@samples
def test_max_f1_beats_every_other_cut(seed: int, n: int, ties: bool) -> None:
    y, scores = sample(seed, n, ties)
    t = ThresholdRule("max_f1").choose(y, scores)
    best = max(f1_score(y, scores >= cut) for cut in np.unique(scores))
    assert f1_score(y, scores >= t) == pytest.approx(best, abs=1e-12)


@settings(max_examples=50, deadline=None)
@samples
def test_youden_agrees_with_the_roc_curve(seed: int, n: int, ties: bool) -> None:
    y, scores = sample(seed, n, ties)
    t = ThresholdRule("youden").choose(y, scores)
    fpr, tpr, _ = roc_curve(y, scores, drop_intermediate=False)
    called = scores >= t
    j = called[y == 1].mean() - called[y == 0].mean()
    assert j == pytest.approx((tpr - fpr)[1:].max(), abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 9999), target=st.floats(0.05, 1.0))
def test_recall_target_is_met_by_the_highest_such_threshold(seed: int, target: float) -> None:
    y, scores = sample(seed, 60, ties=False)
    t = ThresholdRule("recall", target=target).choose(y, scores)
    assert recall_score(y, scores >= t) >= target
    higher = scores[scores >= t].min() + 1e-12
    assert (
        recall_score(y, scores >= higher) < target
        or scores[scores >= t].min() not in scores[y == 1]
    )


def test_fixed_is_taken_as_it_is() -> None:
    assert ThresholdRule("fixed", value=0.31).choose(np.array([1]), np.array([0.5])) == 0.31


def test_one_class_cannot_choose() -> None:
    with pytest.raises(DataError, match="lacks a class"):
        ThresholdRule("max_f1").choose(np.ones(4, int), np.linspace(0, 1, 4))


@pytest.mark.parametrize(
    ("options", "says"),
    [({"rule": "best"}, r"threshold\.rule"), ({"target": 0}, "target"), ({"value": 2}, "value")],
)
def test_impossible_rules_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ThresholdRule(**options)
