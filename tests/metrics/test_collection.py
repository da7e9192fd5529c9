"""The collection must agree with scikit-learn."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from idc.evaluation.test_metrics import metrics_of
from idc.metrics.collection import build_metrics, scores_for_metrics
from idc.metrics.definitions import METRIC_NAMES


def binary_reference(y: np.ndarray, p: np.ndarray, threshold: float) -> dict[str, float]:
    called = (p >= threshold).astype(int)
    return {
        "accuracy": sk.accuracy_score(y, called),
        "balanced_accuracy": sk.balanced_accuracy_score(y, called),
        "precision": sk.precision_score(y, called, zero_division=0),
        "recall": sk.recall_score(y, called),
        "specificity": sk.recall_score(y, called, pos_label=0),
        "f1": sk.f1_score(y, called),
        "auroc": sk.roc_auc_score(y, p),
        "average_precision": sk.average_precision_score(y, p),
    }


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(4, 200),
    threshold=st.sampled_from([0.0, 0.2, 0.5, 0.77, 1.0]),
    ties=st.booleans(),
)
def test_metrics_at_any_threshold_agree_with_sklearn(
    seed: int, n: int, threshold: float, ties: bool
) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:2] = [0, 1]
    p = rng.random(n).round(1 if ties else 6)
    called = (p >= threshold).astype(int)
    result = metrics_of(pd.DataFrame({"label": y, "score": p, "predicted": called}), 2)
    for name, value in binary_reference(y, p, threshold).items():
        assert result[name] == pytest.approx(value, abs=1e-6), name


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(4, 200))
def test_two_classes_agree_with_sklearn(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:2] = [0, 1]
    p = rng.random(n).round(6)
    collection = build_metrics(2, "val/")
    for part in np.array_split(np.arange(n), 3):  # batches, as in training
        if len(part):
            collection.update(torch.tensor(p[part]), torch.tensor(y[part]))
    result = {k: float(v) for k, v in collection.compute().items()}
    expected = binary_reference(y, p, 0.5)
    assert set(result) == {f"val/{name}" for name in METRIC_NAMES}
    for name, value in expected.items():
        assert result[f"val/{name}"] == pytest.approx(value, abs=1e-6), name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(3, 5))
def test_more_classes_agree_with_sklearn_macro(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, 60)])
    p = torch.tensor(rng.normal(size=(len(y), k)) + 1.5 * np.eye(k)[y]).softmax(1)
    collection = build_metrics(k)
    collection.update(p, torch.tensor(y))
    result = {name: float(v) for name, v in collection.compute().items()}
    called = p.argmax(1).numpy()
    recalls = [sk.recall_score(y != i, called != i) for i in range(k)]
    expected = {
        "accuracy": sk.accuracy_score(y, called),
        "balanced_accuracy": sk.balanced_accuracy_score(y, called),
        "precision": sk.precision_score(y, called, average="macro", zero_division=0),
        "recall": sk.recall_score(y, called, average="macro"),
        "specificity": float(np.mean(recalls)),
        "f1": sk.f1_score(y, called, average="macro"),
        "auroc": sk.roc_auc_score(y, p.numpy(), multi_class="ovr", average="macro"),
        "average_precision": sk.average_precision_score(np.eye(k)[y], p.numpy(), average="macro"),
    }
    for name, value in expected.items():
        assert result[name] == pytest.approx(value, abs=1e-6), name


def test_confident_probabilities_are_not_taken_for_logits() -> None:
    """torchmetrics applies a sigmoid to a batch with any value outside [0, 1]."""
    logits = torch.tensor([[4.0, -4.0], [-4.0, 4.0]] * 4)
    y = torch.tensor([0, 1] * 4)
    collection = build_metrics(2)
    collection.update(scores_for_metrics(logits.softmax(1), y), y)
    assert float(collection.compute()["f1"]) == 1.0
