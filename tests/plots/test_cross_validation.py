"""Figures of cross-validation show each fold, the middle of them, and the pooled value."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.cross_validation import fold_learning_figure, fold_metrics_figure

Words = Callable[[Figure], str]

RNG = np.random.default_rng(0)


def course(values: list[float], metric: str = "f1") -> pd.DataFrame:
    """Validation values by epoch; training is 0.1 above."""
    rows = [(e, "val", metric, v) for e, v in enumerate(values, 1)]
    rows += [(e, "train", metric, v + 0.1) for e, v in enumerate(values, 1)]
    return pd.DataFrame(rows, columns=["epoch", "stage", "metric", "value"])


@pytest.mark.parametrize("folds", [1, 17])
def test_each_fold_has_a_thin_curve_and_the_median_a_thick_one(folds: int, words: Words) -> None:
    histories = {f"fold {i}": course((0.5 + 0.1 * RNG.random(6)).tolist()) for i in range(folds)}
    figure = fold_learning_figure(histories)
    (axes,) = [axes for axes in figure.axes if axes.get_visible()]
    thin = [line for line in axes.lines if line.get_linewidth() < 1]
    thick = [line for line in axes.lines if line.get_linewidth() > 2]
    assert len(thin) == folds
    assert [line.get_linestyle() for line in thick] == ["-", "--"]
    of_val = np.median([line.get_ydata() for line in thin], axis=0)
    assert thick[0].get_ydata() == pytest.approx(of_val)
    assert thick[1].get_ydata() == pytest.approx(of_val + 0.1)
    assert thick[0].get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    written = words(figure)
    assert f"{folds} fold{'s' if folds > 1 else ''}:" in written
    assert "median" in written


def test_the_median_ends_where_fewer_than_half_train() -> None:
    histories = {"a": course([0.1] * 2), "b": course([0.3] * 4), "c": course([0.5] * 9)}
    figure = fold_learning_figure(histories)
    thick = [line for line in figure.axes[0].lines if line.get_linewidth() > 2]
    assert thick[0].get_ydata() == pytest.approx([0.3, 0.3, 0.4, 0.4])


def test_metrics_that_no_fold_has_get_no_panel(words: Words) -> None:
    figure = fold_learning_figure({"0": course([0.1])})
    shown = [axes.get_ylabel() for axes in figure.axes if axes.get_visible()]
    assert shown == ["F1"]
    assert "no fold has a history" in words(fold_learning_figure({}))


def table(folds: int, settings: tuple[str, ...] = ("a",)) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"setting": s, "fold": f"patient {i}", "metric": m, "value": RNG.uniform(0.5, 1)}
            for s in settings
            for m in ("f1", "balanced_accuracy")
            for i in range(folds)
        ]
    )


@pytest.mark.parametrize("folds", [1, 5, 279])
def test_each_fold_is_a_dot_at_its_value(folds: int, words: Words) -> None:
    frame = table(folds)
    figure = fold_metrics_figure(frame)
    (axes,) = figure.axes
    clouds = [line for line in axes.lines if line.get_marker() == "o"]
    for place, (metric, cloud) in enumerate(zip(("f1", "balanced_accuracy"), clouds, strict=True)):
        values = frame[frame["metric"] == metric]["value"]
        assert cloud.get_ydata().tolist() == sorted(values)
        assert np.abs(cloud.get_xdata() - place).max() < 0.45
        means = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "_"]
        assert np.isclose(means, values.mean()).any()
    written = words(figure)
    assert f"{folds} fold" in written
    assert "pooled" not in written
    if folds > 1:
        assert str(frame.loc[frame[frame["metric"] == "f1"]["value"].idxmin(), "fold"]) in written


def test_the_pooled_value_stands_beside_with_its_interval(words: Words) -> None:
    pooled = pd.DataFrame({"metric": ["f1"], "value": [0.73], "low": [0.61], "high": [0.82]})
    figure = fold_metrics_figure(table(5).drop(columns="setting"), pooled)
    diamonds = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert [line.get_ydata()[0] for line in diamonds] == [0.73]
    assert [0.61, 0.82] in [list(line.get_ydata()) for line in figure.axes[0].lines]
    written = words(figure)
    assert "all folds pooled" in written
    assert "mean and deviation of the folds" in written
    assert "0.73" in written


def test_settings_have_a_panel_each_on_one_scale() -> None:
    frame = table(5, ("short", "a very long setting, " * 6, "c"))
    figure = fold_metrics_figure(frame)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 3
    assert len({axes.get_ylim() for axes in shown}) == 1
    figure.draw_without_rendering()
    titles = [axes.title.get_window_extent() for axes in shown]
    assert not titles[0].overlaps(titles[1])


def test_folds_without_a_value_are_left_out(words: Words) -> None:
    frame = table(3)
    frame.loc[frame["metric"] == "f1", "value"] = [np.nan, 0.5, 0.6]
    frame.loc[frame["metric"] == "balanced_accuracy", "value"] = np.nan
    figure = fold_metrics_figure(frame)
    (cloud,) = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert cloud.get_ydata().tolist() == [0.5, 0.6]
    assert "unknown" in words(figure)
    assert "no folds" in words(fold_metrics_figure(frame[:0]))
