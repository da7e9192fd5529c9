import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss
from torch import from_numpy
from torchmetrics.classification import BinaryCalibrationError, MulticlassCalibrationError

from idc.metrics.calibration_error import calibration_metrics, reliability_bins


def both(scores: np.ndarray) -> np.ndarray:
    return np.stack([1 - scores, scores], axis=1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999), n=st.integers(1, 100), digits=st.sampled_from([1, 2, 16]))
def test_errors_of_two_classes(seed: int, n: int, digits: int) -> None:
    """Digits of 1 put every score on an edge of the bins, 1 among them."""
    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(0, 2, n), rng.random(n).round(digits)
    result = calibration_metrics(labels, both(scores))
    count, mean, share = reliability_bins(labels, scores)
    assert count.sum() == n
    assert result["ece"] == pytest.approx(np.nansum(count * np.abs(mean - share)) / n, abs=1e-6)
    assert result["brier"] == pytest.approx(((labels - scores) ** 2).mean())
    wrong = np.where(labels == 1, scores, 1 - scores)
    assert result["log_loss"] == pytest.approx(-np.log(wrong.clip(1e-12, 1 - 1e-12)).mean())
    if scores.max() < 1:  # torchmetrics would count scores of 1 in an eleventh bin
        metric = BinaryCalibrationError(n_bins=10)
        metric.update(from_numpy(scores), from_numpy(labels))
        assert result["ece"] == pytest.approx(float(metric.compute()), abs=1e-6)


def test_a_score_of_one_is_in_the_last_bin() -> None:
    labels = np.array([1, 0, 1, 1])
    scores = np.array([1.0, 1.0, 0.95, 0.95])
    # Together: mean score .975, three in four positive.
    assert calibration_metrics(labels, both(scores))["ece"] == pytest.approx(0.225, abs=1e-6)
    assert reliability_bins(labels, scores)[0].tolist() == [0] * 9 + [4]
    assert calibration_metrics(np.array([0, 1]), both(np.array([0.0, 1.0])))["ece"] < 1e-6


def test_errors_of_more_classes() -> None:
    rng = np.random.default_rng(0)
    labels, p = rng.integers(0, 4, 800), rng.dirichlet([0.3] * 4, 800).astype(np.float32)
    p = p.clip(1e-6)
    result = calibration_metrics(labels, p)
    metric = MulticlassCalibrationError(4, n_bins=10)
    metric.update(from_numpy(p), from_numpy(labels))
    assert result["ece"] == pytest.approx(float(metric.compute()), abs=1e-5)
    exact = p.astype(float) / p.astype(float).sum(1, keepdims=True)
    assert result["brier"] == pytest.approx(((exact - np.eye(4)[labels]) ** 2).sum(1).mean())
    assert result["log_loss"] == pytest.approx(-np.log(exact[np.arange(800), labels]).mean())


@pytest.mark.parametrize("classes", [2, 3])
def test_errors_where_classes_are_missing(classes: int) -> None:
    p = np.full((4, classes), 1 / classes)
    result = calibration_metrics(np.ones(4, int), p)
    assert result["log_loss"] == pytest.approx(math.log(classes))
    assert result["brier"] == pytest.approx({2: 0.25, 3: 2 / 3}[classes])
    if classes == 2:
        assert result["brier"] == brier_score_loss([1] * 4, [0.5] * 4, labels=[0, 1])
