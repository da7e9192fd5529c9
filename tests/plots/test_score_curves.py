"""Figures of calibration and of the threshold show the measured values and the target."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from idc.metrics.calibration_error import calibration_metrics
from idc.metrics.threshold import ThresholdRule
from idc.plots.score_curves import reliability_figure, threshold_figure

Words = Callable[[Figure], str]

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 200)
SCORES = np.clip(0.35 * LABELS + RNG.normal(0.35, 0.2, 200), 0, 1)


def test_one_curve_states_its_errors_and_counts(words: Words) -> None:
    labels = np.array([0, 1, 1, 1])
    scores = np.array([0.15, 0.15, 0.95, 0.95])
    figure = reliability_figure(labels, {"scores": scores}, "a title")
    written = words(figure)
    # Two patches at .15 of which half are positive, two at .95 that both are.
    assert "ECE 0.200" in written
    assert "a title" in written
    upper, lower = figure.axes
    (curve,) = (c for c in upper.containers if c.get_label().startswith("scores"))
    assert np.allclose(curve.lines[0].get_xydata(), [[0.15, 0.5], [0.95, 1.0]])
    assert [bar.get_height() for bar in lower.patches] == [0, 2, 0, 0, 0, 0, 0, 0, 0, 2]


def test_before_and_after_differ_by_more_than_colour_and_state_both(words: Words) -> None:
    after = np.clip(SCORES / 2, 0, 1)
    figure = reliability_figure(LABELS, {"before": SCORES, "after": after}, "t")
    written = words(figure)
    for name, scores in (("before", SCORES), ("after", after)):
        errors = calibration_metrics(LABELS, np.stack([1 - scores, scores], axis=1))
        assert f"{name}: ECE {errors['ece']:.3f}, Brier {errors['brier']:.3f}" in written
        assert f"log loss {errors['log_loss']:.3f}" in written
    upper, first, second = figure.axes
    lines = [container.lines[0] for container in upper.containers]
    assert len({line.get_marker() for line in lines}) == 2
    assert len({line.get_linestyle() for line in lines}) == 2
    assert first.patches[0].get_hatch() != second.patches[0].get_hatch()
    for axes in (first, second):
        assert sum(bar.get_height() for bar in axes.patches) == len(LABELS)


def test_wilson_intervals_of_a_bin() -> None:
    labels, scores = np.array([1, 0, 0, 0, 0]), np.full(5, 0.35)
    (curve,) = reliability_figure(labels, {"scores": scores}).axes[0].containers
    (segment,) = curve.lines[2][0].get_segments()
    assert segment[:, 1] == pytest.approx([0.0362, 0.6245], abs=5e-4)  # 1 of 5, by hand


@pytest.mark.parametrize("labels", [np.ones(5, int), np.zeros(5, int), np.zeros(0, int)])
def test_reliability_of_next_to_nothing(labels: np.ndarray, words: Words) -> None:
    scores = np.ones(len(labels))
    written = words(reliability_figure(labels, {"before": scores, "after": scores / 2}))
    assert ("no patches" in written) == (len(labels) == 0)


def test_threshold_curves_agree_with_counting(words: Words) -> None:
    figure = threshold_figure(LABELS, SCORES, 0.37, "t")
    written = words(figure)
    assert "chosen threshold 0.370" in written
    lines = {line.get_label().split()[0]: line for line in figure.axes[0].lines}
    for cut in (0.0, 0.31, 0.37, float(SCORES[3]), 0.9):
        called = cut <= SCORES
        expected = {
            "recall": called[LABELS == 1].mean(),
            "precision": LABELS[called].mean(),
            "specificity": (~called)[LABELS == 0].mean(),
            "F1": 2 * (called & (LABELS == 1)).sum() / (called.sum() + LABELS.sum()),
        }
        for name, value in expected.items():
            x, y = lines[name].get_data()
            assert lines[name].get_drawstyle() == "steps-pre"
            assert y[np.searchsorted(x, cut)] == pytest.approx(value)
            if cut == 0.37:
                assert f"{name} ({value:.3f} at the chosen threshold)" in written
    missing = threshold_figure(np.ones(5, int), np.ones(5), 0.5, "t", ThresholdRule("cost"))
    assert "class" in words(missing)


@pytest.mark.parametrize("requested", ["recall>=0.93", "precision>=0.77"])
def test_threshold_curve_shows_the_target(requested: str, words: Words) -> None:
    rule = ThresholdRule(requested)
    figure = threshold_figure(LABELS, SCORES, rule.choose(LABELS, SCORES), "t", rule)
    written = words(figure)
    assert f"target {rule.rule} {rule.target:g}" in written
    assert rule.describe() in written.replace("\n", " ")
    (axes,) = figure.axes
    level = [line for line in axes.lines if np.ptp(line.get_ydata()) == 0 and len(line.get_ydata())]
    assert rule.target in [line.get_ydata()[0] for line in level]


def test_threshold_curve_shows_the_cost_lowest_at_the_chosen_one(words: Words) -> None:
    rule = ThresholdRule("cost", false_negative_cost=3)
    chosen = rule.choose(LABELS, SCORES)
    figure = threshold_figure(LABELS, SCORES, chosen, "t", rule)
    assert "right axis" in words(figure)
    _, right = figure.axes
    assert "cost" in right.get_ylabel()
    x, y = right.lines[0].get_data()
    called = chosen <= SCORES
    cost = (3 * (called < LABELS) + (called > LABELS)).mean()
    assert y[np.searchsorted(x, chosen)] == pytest.approx(cost)
    assert y.min() == pytest.approx(cost)
