"""Curves hold all points, their areas, and the working point or target."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, roc_auc_score

from idc.plots.curves import pr_figure, risk_coverage_figure, roc_figure

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 200)
SCORES = np.clip(0.35 * LABELS + RNG.normal(0.35, 0.2, 200), 0, 1)

Words = Callable[[Figure], str]


def curve(points: int = 100, best: float = 1.0) -> pd.DataFrame:
    coverage = np.linspace(1 / points, 1, points)
    return pd.DataFrame(
        {"coverage": coverage, "risk": 0.2 * coverage, "recall": best - 0.05 * coverage}
    )


def test_the_largest_coverage_with_the_recall_is_marked(words: Words) -> None:
    figure = risk_coverage_figure({"margin": curve()})
    risk, recall = figure.axes
    line = recall.lines[0]
    at = line.get_markevery()[0]
    assert line.get_xdata()[at] == 0.2  # 1 - 0.05 * 0.2 = 0.99
    assert risk.lines[0].get_markevery() == [at]
    assert np.array_equal(line.get_ydata(), curve()["recall"])
    text = words(figure)
    assert "margin: 20% decided at recall 0.99" in text
    assert "share of errors among them" in text


def test_several_curves_differ_in_colour_dashes_and_mark(words: Words) -> None:
    curves = {"margin": curve(), "entropy": curve(best=0.995), "by chance": curve(best=0.9)}
    figure = risk_coverage_figure(curves)
    lines = figure.axes[0].lines
    assert len({line.get_color() for line in lines}) == 3
    assert {line.get_linestyle() for line in lines} == {"-", "--"}
    assert [line.get_marker() for line in lines] == ["o", "s", "None"]
    assert "by chance: recall 0.99 not reached" in words(figure)


def test_the_first_few_patches_do_not_set_the_scale() -> None:
    jumpy = curve()
    jumpy.loc[0, ["risk", "recall"]] = [1.0, 0.0]
    figure = risk_coverage_figure({"margin": jumpy})
    assert figure.axes[0].get_ylim()[1] < 0.3
    assert figure.axes[1].get_ylim()[0] > 0.8


def test_without_recall_there_is_the_risk_alone(words: Words) -> None:
    for table in (curve().drop(columns="recall"), curve().assign(recall=np.nan)):
        figure = risk_coverage_figure({"score": table})
        assert len(figure.axes) == 1
        text = words(figure)
        assert "score" in text
        assert "recall" not in text


def test_nothing_to_draw_is_marked(words: Words) -> None:
    assert "nothing to measure" in words(risk_coverage_figure({}))
    assert "nothing to measure" in words(risk_coverage_figure({"margin": curve().head(0)}))
    one = risk_coverage_figure({"$ margin $": curve(1)})
    assert r"\$ margin \$" in words(one)


@pytest.mark.parametrize(
    ("make", "area"), [(roc_figure, roc_auc_score), (pr_figure, average_precision_score)]
)
def test_curves_state_area_and_working_point(make: object, area: object, words: Words) -> None:
    figure = make({"test": (LABELS, SCORES)}, {"test": 0.4}, "a title")
    written = words(figure)
    assert f"{area(LABELS, SCORES):.3f}" in written
    assert "threshold 0.400" in written
    assert "chance" in written
    called = SCORES >= 0.4
    assert f"recall {called[LABELS == 1].mean():.3f}" in written


@pytest.mark.parametrize("make", [roc_figure, pr_figure])
def test_curves_without_a_class_are_marked(make: object, words: Words) -> None:
    figure = make({"test": (np.ones(5, int), np.ones(5))}, {"test": 0.5}, "t")
    assert "only one class" in words(figure)


@pytest.mark.parametrize("make", [roc_figure, pr_figure])
def test_twelve_curves_differ_and_do_not_hide_under_the_legend(make: object) -> None:
    curves = {f"backbone=a_rather_long_name_{i},seed={i}": (LABELS, SCORES) for i in range(12)}
    figure = make(curves, dict.fromkeys(curves, 0.5), "t")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    (legend,) = figure.legends
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())
    assert legend.get_window_extent().x1 <= figure.bbox.x1 + 1
