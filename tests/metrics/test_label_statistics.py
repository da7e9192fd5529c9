"""Several labels per image: laws that tie their metrics to those of two classes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sk

from idc.metrics.bootstrap import bootstrap
from idc.metrics.calibration_error import ERRORS, calibration_metrics
from idc.metrics.collection import build_metrics, scores_for_metrics
from idc.metrics.definitions import METRIC_NAMES
from idc.metrics.statistics import ClusterStatistics, Prediction, occurs_with_both, statistics_of

Labels = NDArray[np.int64]


def case(seed: int, n: int, k: int, share: float = 0.3) -> tuple[Labels, Prediction, Labels]:
    """Labels, predictions and patients; the last of several labels may be missing."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, k)) < share).astype(np.int64)
    labels[:2, 0] = 0, 1
    # Some are tied; none is 0.5, which torchmetrics calls negative.
    scores = (0.4 * labels + 0.59 * rng.random((n, k))).round(2) + 0.001
    called = (scores >= rng.random(k)).astype(np.int64)
    decisions = {"": called, "_at_0.5": (scores >= 0.5).astype(np.int64)}
    return labels, Prediction(scores, decisions), rng.integers(0, 6, n)


def values(labels: Labels, prediction: Prediction) -> dict[str, float]:
    statistics = statistics_of(labels, prediction, np.zeros(len(labels), np.int64), 1)
    return {name: float(x[0]) for name, x in statistics.values(np.ones((1, 1))).items()}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(8, 60))
def test_one_label_is_two_classes(seed: int, n: int) -> None:
    labels, prediction, patients = case(seed, n, 1)
    alone = prediction.of_label(0)
    assert values(labels, prediction) == pytest.approx(values(labels[:, 0], alone), nan_ok=True)
    several = bootstrap(labels, prediction, patients, draws=50)
    two = bootstrap(labels[:, 0], alone, patients, draws=50)
    assert several.patients == two.patients
    assert several.bounds == {name: pytest.approx(of) for name, of in two.bounds.items()}
    both = np.stack([1 - prediction.scores[:, 0], prediction.scores[:, 0]], axis=1)
    assert calibration_metrics(labels, prediction.scores) == pytest.approx(
        calibration_metrics(labels[:, 0], both)
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 60), k=st.integers(2, 6))
def test_metrics_are_means_over_the_labels_with_both_values(seed: int, n: int, k: int) -> None:
    labels, prediction, _ = case(seed, n, k, share=0.15)
    whole, both = values(labels, prediction), occurs_with_both(labels)
    each = [values(labels[:, i], prediction.of_label(i)) for i in range(k)]
    for name in whole:
        over = [one[name] for i, one in enumerate(each) if both[i] or name in ERRORS]
        assert whole[name] == pytest.approx(np.mean(over))
        assert np.isfinite(whole[name])
    some = np.flatnonzero(both)
    expected = sk.roc_auc_score(labels[:, some], prediction.scores[:, some], average="macro")
    assert whole["auroc"] == pytest.approx(expected)
    called = prediction.decisions[""]
    expected = sk.f1_score(
        labels[:, some], called[:, some], average="macro" if len(some) > 1 else "binary"
    )
    assert whole["f1"] == pytest.approx(expected)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 5))
def test_training_takes_the_same_metrics(seed: int, k: int) -> None:
    labels, prediction, _ = case(seed, 40, k, share=0.1)
    collection = build_metrics(k, "val/", multi_label=True)
    for rows in np.array_split(np.arange(40), 3):
        scores, of = (torch.tensor(x[rows]) for x in (prediction.scores, labels))
        collection.update(scores_for_metrics(scores, of), of)
    computed = {name.removeprefix("val/"): float(x) for name, x in collection.compute().items()}
    whole = values(labels, Prediction(prediction.scores, {"": prediction.decisions["_at_0.5"]}))
    assert computed == pytest.approx({name: whole[name] for name in METRIC_NAMES}, abs=1e-5)


def test_a_label_that_never_occurs_breaks_no_monitor() -> None:
    collection = build_metrics(2, multi_label=True)
    collection.update(torch.tensor([[0.2, 0.9], [0.7, 0.4]]), torch.zeros(2, 2, dtype=torch.long))
    assert {float(value) for value in collection.compute().values()} == {0.0}
    statistics = statistics_of(
        np.zeros((2, 2), np.int64), Prediction(np.full((2, 2), 0.5)), np.zeros(2, np.int64), 1
    )
    computed = statistics.values(np.ones((1, 1)))
    assert np.isnan(computed["auroc"]).all()
    assert np.isfinite([computed[name] for name in ERRORS]).all()


def test_a_draw_without_a_label_leaves_it_out_of_the_mean() -> None:
    labels = np.array([[1, 1], [0, 0], [1, 0], [0, 0]])
    scores = np.array([[0.9, 0.9], [0.2, 0.1], [0.1, 0.3], [0.3, 0.2]])
    codes = np.array([0, 0, 1, 1])
    statistics = statistics_of(labels, Prediction(scores), codes, 2)
    without = statistics.values(np.array([[0.0, 1.0]]))["auroc"]
    alone = ClusterStatistics(labels[:, 0], Prediction(scores[:, 0]), codes, 2)
    assert without == alone.values(np.array([[0.0, 1.0]]))["auroc"] == 0.0
