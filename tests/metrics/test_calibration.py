import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from idc.errors import CheckpointError, ConfigError
from idc.metrics.calibration import Calibration, CalibrationRule
from idc.metrics.calibration_error import calibration_metrics

FITTED = ("temperature", "platt", "isotonic")


def both(scores: np.ndarray) -> np.ndarray:
    return np.stack([1 - scores, scores], axis=1)


def simulate(
    seed: int, n: int = 400, temperature: float = 1.0, shift: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from true log-odds, and the probabilities of a network that distorts these."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1, 2, n)
    labels = (rng.random(n) < expit(odds)).astype(int)
    labels[:2] = [0, 1]
    return labels, both(expit(temperature * odds + shift))


def simulate_classes(seed: int, temperature: float, n: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, 4))
    truth = softmax(logits, axis=1)
    labels = (rng.random((n, 1)) > truth.cumsum(1)).sum(1)
    return labels, softmax(temperature * logits, axis=1)


def loss(labels: np.ndarray, p: np.ndarray) -> float:
    return calibration_metrics(labels, p)["log_loss"]


distorted = given(
    seed=st.integers(0, 9999),
    n=st.integers(2, 200),
    temperature=st.floats(0.3, 8),
    shift=st.floats(-3, 3),
)
quickly = settings(max_examples=25, deadline=None)


@pytest.mark.parametrize("method", ["none", *FITTED])
@quickly
@distorted
def test_no_method_raises_the_validation_loss(
    method: str, seed: int, n: int, temperature: float, shift: float
) -> None:
    labels, p = simulate(seed, n, temperature, shift)
    calibration = CalibrationRule(method).fit(labels, p)
    result = calibration.apply(p)
    # Isotonic regression keeps away from 0 and 1 by 1 / (n + 2).
    tolerance = 1 / (n + 1) if method == "isotonic" else 1e-7
    assert loss(labels, result) <= loss(labels, p) + tolerance
    assert np.allclose(result.sum(1), 1)
    assert calibration.method == "none" or (result > 0).all()


@pytest.mark.parametrize("method", FITTED)
@quickly
@distorted
def test_no_method_turns_the_order_round(
    method: str, seed: int, n: int, temperature: float, shift: float
) -> None:
    labels, p = simulate(seed, n, temperature, shift)
    ranked = np.sort(p[:, 1])
    rise = np.diff(CalibrationRule(method).fit(labels, p).apply(both(ranked))[:, 1])
    assert (rise >= -1e-15).all()
    if method != "isotonic":
        assert (rise[np.diff(ranked) > 1e-9] > 0).all()


@quickly
@distorted
def test_temperature_keeps_the_decision_at_one_half(
    seed: int, n: int, temperature: float, shift: float
) -> None:
    labels, p = simulate(seed, n, temperature, shift)
    p = both(p[:, 1].round(6))
    result = CalibrationRule("temperature").fit(labels, p).apply(p)
    assert np.array_equal(result[:, 1] >= 0.5, p[:, 1] >= 0.5)


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_a_known_temperature_is_recovered(true: float) -> None:
    labels, p = simulate(0, 40_000, true)
    result = CalibrationRule("temperature").fit(labels, p)
    assert result.temperature == pytest.approx(true, rel=0.03)
    assert not result.notes
    labels, p = simulate_classes(0, true, 20_000)
    result = CalibrationRule("temperature").fit(labels, p)
    assert result.temperature == pytest.approx(true, rel=0.03)


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are its input."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> "Given":
        self.classes_ = np.unique(y)
        self.is_fitted_ = True
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.classes_[x.argmax(1)]

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return x


@pytest.mark.parametrize("classes", [2, 4])
def test_temperature_agrees_with_scikit_learn(classes: int) -> None:
    labels, p = simulate(2, 500, 3.0) if classes == 2 else simulate_classes(2, 3.0, 500)
    model = CalibratedClassifierCV(FrozenEstimator(Given().fit(p, labels)), method="temperature")
    expected = model.fit(p, labels).predict_proba(p)
    result = CalibrationRule("temperature").fit(labels, p).apply(p)
    assert np.allclose(result, expected, atol=1e-5)


def test_temperature_beats_a_grid() -> None:
    labels, p = simulate_classes(3, 0.6, 500)
    result = CalibrationRule("temperature").fit(labels, p)
    grid = [log_loss(labels, softmax(np.log(p) / t, axis=1)) for t in np.geomspace(0.2, 20, 400)]
    assert log_loss(labels, result.apply(p)) <= min(grid) + 1e-9


def test_platt_agrees_with_logistic_regression() -> None:
    labels, p = simulate(4, 500, 3.0, 1.0)
    odds = np.log(p[:, 1] / p[:, 0])[:, None]
    model = LogisticRegression(C=np.inf, tol=1e-8).fit(odds, labels)
    result = CalibrationRule("platt").fit(labels, p).apply(p)
    assert np.allclose(result, model.predict_proba(odds), atol=1e-5)


def test_isotonic_agrees_with_scikit_learn_inside_its_limits() -> None:
    labels, p = simulate(5, 300, 3.0)
    result = CalibrationRule("isotonic").fit(labels, p)
    new = np.linspace(0, 1, 1001)
    model = IsotonicRegression(out_of_bounds="clip").fit(p[:, 1], labels)
    inside = (model.predict(new) > 0.05) & (model.predict(new) < 0.95)
    assert inside.any()
    assert np.allclose(result.apply(both(new))[inside, 1], model.predict(new)[inside])
    ends = result.apply(both(np.array([0.0, 1.0])))[:, 1]
    assert ends.tolist() == pytest.approx([1 / 302, 301 / 302])


@pytest.mark.parametrize("method", ["none", *FITTED])
def test_a_calibration_outlives_json(method: str) -> None:
    labels, p = simulate(6, 200, 3.0, 0.5)
    before = CalibrationRule(method).fit(labels, p)
    after = Calibration.from_dict(json.loads(json.dumps(before.to_dict())))
    assert after == before
    assert np.array_equal(after.apply(p), before.apply(p))
    assert method == "none" or not np.allclose(after.apply(p), p)


@pytest.mark.parametrize(
    "values",
    [{}, {"method": "magic"}, {"method": "temperature"}, {"method": "isotonic", "knot_scores": 3}],
)
def test_broken_calibrations_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="calibration"):
        Calibration.from_dict(values)


@pytest.mark.parametrize("method", FITTED)
def test_scores_of_exactly_zero_and_one_do_no_harm(method: str) -> None:
    labels, p = simulate(7, 300, 3.0)
    p = p.astype(np.float32)
    p[:40] = both(np.repeat([0.0, 1.0], 20))
    labels[:40] = np.repeat([0, 1, 1, 0], [15, 5, 15, 5])
    result = CalibrationRule(method).fit(labels, p)
    calibrated = result.apply(p)
    assert np.isfinite(np.log(calibrated)).all()
    assert loss(labels, calibrated) < loss(labels, p)


@pytest.mark.parametrize("method", FITTED)
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_leaves_scores_unchanged_with_a_note(method: str, label: int) -> None:
    p = both(np.linspace(0.1, 0.9, 9))
    result = CalibrationRule(method).fit(np.full(9, label), p)
    assert np.array_equal(result.apply(p), p)
    assert result.notes == ("Scores are not calibrated: validation has only one class.",)
    assert result.describe() == "scores as the network gives them"


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_the_order_is_not_turned_round_where_scores_are_wrong(method: str) -> None:
    labels, p = simulate(8, 300)
    p = p[:, ::-1]
    result = CalibrationRule(method).fit(labels, p)
    assert np.array_equal(result.apply(p), p)
    assert "validation scores do not increase with the positive class" in result.notes[0]


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_parted_classes_stop_short_of_scores_that_are_all_zero_or_one(method: str) -> None:
    scores = np.concatenate([np.linspace(0.01, 0.4, 20), np.linspace(0.6, 0.99, 20)])
    labels = np.repeat([0, 1], 20)
    result = CalibrationRule(method).fit(labels, both(scores))
    after = result.apply(both(scores))
    assert "at its limit" in result.notes[0]
    assert len(np.unique(after[:, 1])) == 40
    assert loss(labels, after) < loss(labels, both(scores))
    assert roc_auc_score(labels, after[:, 1]) == 1


def test_constant_scores_are_kept_by_temperature() -> None:
    p = both(np.full(10, 0.5))
    result = CalibrationRule("temperature").fit(np.arange(10) % 2, p)
    assert result.temperature == 1
    assert not result.notes


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_methods_for_two_classes_refuse_more(method: str) -> None:
    labels, p = simulate_classes(0, 1.0, 50)
    with pytest.raises(ConfigError, match=f"calibration={method} requires two classes, .* have 4"):
        CalibrationRule(method).fit(labels, p)
    CalibrationRule(method).check(2)
    CalibrationRule("temperature").check(4)


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"calibration\.method=magic: choose none, temperature"):
        CalibrationRule("magic")


def test_calibrations_in_words() -> None:
    assert "T = 2.5: scores were overconfident" in Calibration("temperature", 2.5).describe()
    assert "underconfident" in Calibration("temperature", 0.5).describe()
    assert "well calibrated" in Calibration("temperature", 1.01).describe()
    assert "times 0.5 plus -0.2" in Calibration("platt", slope=0.5, intercept=-0.2).describe()
    curve = Calibration("isotonic", knot_scores=(0.1, 0.2), knot_values=(0.3, 0.4))
    assert "2 knots" in curve.describe()
