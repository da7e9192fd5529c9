"""Fits of the calibration methods: their limits, and what they say of a poor fit."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from idc.metrics.calibration_fit import (
    fit_isotonic,
    fit_platt,
    fit_temperature,
    log_odds,
    log_probabilities,
)


def both(scores: np.ndarray) -> np.ndarray:
    return np.stack([1 - scores, scores], axis=1)


def overconfident(factor: float, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores whose log-odds are too large by this factor."""
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 1.5, n)
    return (rng.random(n) < expit(odds)).astype(int), both(expit(factor * odds))


def test_log_odds_of_exact_zeros_and_ones_are_finite() -> None:
    p = both(np.array([0.0, 0.25, 1.0]))
    assert log_odds(p) == pytest.approx([-27.631, logit(0.25), 27.631], abs=1e-3)
    assert log_probabilities(p).max() == 0


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_temperature_and_slope_undo_the_distortion(factor: float) -> None:
    labels, p = overconfident(factor)
    temperature, notes = fit_temperature(labels, p)
    assert temperature == pytest.approx(factor, rel=0.07)
    slope, intercept, more = fit_platt(labels, p)
    assert slope == pytest.approx(1 / factor, rel=0.07)
    assert intercept == pytest.approx(0, abs=0.1)
    assert not notes and not more


def test_parted_classes_stop_at_the_limit_where_log_odds_are_those_of_the_smallest_score() -> None:
    labels, p = np.array([0, 0, 1, 1]), both(np.array([0.1, 0.2, 0.8, 0.9]))
    temperature, notes = fit_temperature(labels, p)
    assert logit(0.9) / temperature == pytest.approx(-np.log(1e-12))
    slope, _, more = fit_platt(labels, p)
    assert slope == pytest.approx(1 / temperature)
    assert len(notes) == len(more) == 1


def test_reversed_scores_have_no_slope_and_the_highest_temperature() -> None:
    labels, p = overconfident(1.0)
    assert fit_platt(1 - labels, p)[0] == 0
    assert fit_temperature(1 - labels, p)[0] == 20


def test_knots_rise_and_keep_off_zero_and_one() -> None:
    labels, p = overconfident(3.0, 200)
    knots, values = fit_isotonic(labels, p[:, 1])
    assert (np.diff(knots) > 0).all() and (np.diff(values) >= 0).all()
    assert (values[0], values[-1]) == pytest.approx((1 / 202, 201 / 202))
    model = IsotonicRegression().fit(p[:, 1], labels)
    inside = (values > 1 / 202) & (values < 201 / 202)
    assert inside.any()
    assert values[inside] == pytest.approx(model.predict(knots)[inside])
