"""Metrics of weighted clusters against scikit-learn, torchmetrics and repeated rows."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from idc.metrics import areas
from idc.metrics.calibration_error import calibration_metrics
from idc.metrics.collection import build_metrics, scores_for_metrics
from idc.metrics.statistics import ClusterStatistics, Prediction


def predictions(seed: int, n: int, classes: int = 2) -> tuple[np.ndarray, Prediction]:
    """Labels and rounded scores, so that some are tied."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    labels[:classes] = range(classes)
    p = rng.dirichlet(np.ones(classes), n) + 1.0 * np.eye(classes)[labels]
    p = (p / p.sum(1, keepdims=True)).round(2)
    scores = p[:, 1] if classes == 2 else p
    decided = {"": (scores >= 0.4).astype(int) if classes == 2 else p.argmax(1)}
    if classes == 2:
        decided["_at_0.5"] = (scores >= 0.5).astype(int)
    return labels, Prediction(scores, decided)


def once(labels: np.ndarray, prediction: Prediction) -> dict[str, float]:
    """The metrics of the patches as they are."""
    codes = np.arange(len(labels)) % 7
    values = ClusterStatistics(labels, prediction, codes, 7).values(np.ones((1, 7)))
    return {name: float(value[0]) for name, value in values.items()}


@pytest.mark.parametrize("few", [0, 1_000])
def test_two_classes_agree_with_sklearn(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(areas, "FEW_CLUSTERS", few)
    y, prediction = predictions(0, 300)
    scores = prediction.scores
    expected = {
        "auroc": sk.roc_auc_score(y, scores),
        "average_precision": sk.average_precision_score(y, scores),
    }
    for suffix, called in prediction.decisions.items():
        expected |= {
            f"accuracy{suffix}": sk.accuracy_score(y, called),
            f"balanced_accuracy{suffix}": sk.balanced_accuracy_score(y, called),
            f"precision{suffix}": sk.precision_score(y, called),
            f"recall{suffix}": sk.recall_score(y, called),
            f"specificity{suffix}": sk.recall_score(y, called, pos_label=0),
            f"f1{suffix}": sk.f1_score(y, called),
        }
    expected |= calibration_metrics(y, np.stack([1 - scores, scores], 1))
    assert once(y, prediction) == pytest.approx(expected, abs=1e-9)


def test_more_classes_agree_with_the_collection() -> None:
    y, prediction = predictions(1, 300, classes=4)
    collection = build_metrics(4)
    p = torch.tensor(prediction.scores)
    collection.update(
        scores_for_metrics(p / p.sum(1, keepdim=True), torch.tensor(y)), torch.tensor(y)
    )
    expected = {name: float(value) for name, value in collection.compute().items()}
    expected |= calibration_metrics(y, prediction.scores)
    assert once(y, prediction) == pytest.approx(expected, abs=1e-5)


def test_scores_on_the_edges_of_bins_are_binned_alike() -> None:
    scores = np.repeat(np.linspace(0, 1, 11), 3)
    y = np.tile([0, 1, 1], 11)
    result = once(y, Prediction(scores))["ece"]
    assert result == pytest.approx(calibration_metrics(y, np.stack([1 - scores, scores], 1))["ece"])


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    classes=st.sampled_from([2, 3]),
    few=st.sampled_from([0, 1_000]),
    cells=st.sampled_from([1, 2_000_000]),
)
def test_weights_are_repetitions(data: st.DataObject, classes: int, few: int, cells: int) -> None:
    """Whatever the weights; also where a draw lacks a class (NaN in both splits)."""
    n = data.draw(st.integers(classes, 30))
    y, prediction = predictions(data.draw(st.integers(0, 999)), n, classes)
    clusters = data.draw(st.integers(1, 6))
    codes = np.array(data.draw(st.lists(st.integers(0, clusters - 1), min_size=n, max_size=n)))
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=clusters, max_size=clusters)))
    rows = np.repeat(np.arange(n), times[codes])
    if not len(rows):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(areas, "FEW_CLUSTERS", few)
        patch.setattr(areas, "CELLS", cells)
        result = ClusterStatistics(y, prediction, codes, clusters).values(times[None].astype(float))
    repeated = Prediction(
        prediction.scores[rows], {k: x[rows] for k, x in prediction.decisions.items()}
    )
    alone = ClusterStatistics(y[rows], repeated, np.zeros(len(rows), int), 1).values(
        np.ones((1, 1))
    )
    for name, value in alone.items():
        assert result[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name


def test_only_the_requested_metrics_are_computed() -> None:
    y, prediction = predictions(2, 50)
    target = ("f1_at_0.5", "auroc")
    statistics = ClusterStatistics(y, prediction, np.zeros(50, int), 1, target)
    assert list(statistics.values(np.ones((1, 1)))) == list(target)
