"""The risk-coverage figure draws complete curves and marks where the target recall is met."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from idc.plots.curves import risk_coverage_figure

Words = Callable[[Figure], str]


def curve(points: int = 100, best: float = 1.0) -> pd.DataFrame:
    coverage = np.linspace(1 / points, 1, points)
    return pd.DataFrame(
        {"coverage": coverage, "risk": 0.2 * coverage, "recall": best - 0.05 * coverage}
    )


def test_the_largest_coverage_with_the_recall_is_marked(words: Words) -> None:
    figure = risk_coverage_figure({"margin": curve()}, target_recall=0.96)
    risk, recall = figure.axes
    line = recall.lines[0]
    at = line.get_markevery()[0]
    assert line.get_xdata()[at] == 0.8  # 1 - 0.05 * 0.8 = 0.96
    assert risk.lines[0].get_markevery() == [at]
    assert np.array_equal(line.get_ydata(), curve()["recall"])
    text = words(figure)
    assert "margin: 80% decided at recall 0.96" in text
    assert "share of errors among them" in text


def test_several_curves_differ_in_colour_dashes_and_mark(words: Words) -> None:
    curves = {"margin": curve(), "entropy": curve(best=0.99), "by chance": curve(best=0.9)}
    figure = risk_coverage_figure(curves, target_recall=0.95)
    lines = figure.axes[0].lines
    assert len({line.get_color() for line in lines}) == 3
    assert {line.get_linestyle() for line in lines} == {"-", "--"}
    assert [line.get_marker() for line in lines] == ["o", "s", "None"]
    assert "by chance: recall 0.95 not reached" in words(figure)


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
