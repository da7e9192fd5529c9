"""Figures of a comparison name everybody, keep their texts apart, and say what decides."""

from collections.abc import Callable
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.critical_difference import critical_difference_figure, differences_figure
from idc.plots.style import BLUE
from idc.plots.sweep_settings import leaderboard_figure
from idc.text import value_label

BASELINES = ("majority class", "colour statistics")
METRICS = ["test/f1", "test/auroc"]
Words = Callable[[Figure], str]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Texts that lie on one another or leave the figure."""
    figure.draw_without_rendering()
    undrawn = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    texts = set(figure.findobj(matplotlib.text.Text)) - undrawn
    boxes = [
        (t.get_text(), t.get_window_extent()) for t in texts if t.get_visible() and t.get_text()
    ]
    frame = figure.bbox
    out = [
        (name, "outside")
        for name, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > frame.x1 + 1 or box.y1 > frame.y1 + 1
    ]
    return out + [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]


def contestants(number: int, long: bool = False) -> dict[str, float]:
    rng = np.random.default_rng(number)
    tail = ", optimizer.lr=0.001, head.dropout=0.25, data.patch_size=50" if long else ""
    return {f"backbone=net{i}{tail}": float(rng.normal(0.75, 0.04)) for i in range(number)}


def values_of(named: dict[str, float], metric: str = "f1") -> pd.DataFrame:
    return pd.DataFrame({"name": list(named), "metric": metric, "value": list(named.values())})


def differences_of(named: dict[str, float]) -> pd.DataFrame:
    rows = [
        {
            "a": a,
            "b": b,
            "metric": "f1",
            "difference": named[a] - named[b],
            "low": named[a] - named[b] - 0.05,
            "high": named[a] - named[b] + 0.05,
            "p_holm": 0.0004 if abs(named[a] - named[b]) > 0.05 else 0.61,
            "apart": abs(named[a] - named[b]) > 0.05,
            "patients": 17,
        }
        for a, b in combinations(named, 2)
    ]
    return pd.DataFrame(rows)


def bars_of(figure: Figure) -> list[list[float]]:
    """Places of the dots of each bar."""
    lines = figure.axes[0].lines
    dots = [line for line in lines if line.get_marker() == "o" and line.get_color() == BLUE]
    return sorted(sorted(dot.get_xdata()) for dot in dots)


@pytest.mark.parametrize(("number", "long"), [(2, True), (20, True)])
def test_every_contestant_is_named_with_its_value(number: int, long: bool, words: Words) -> None:
    named = contestants(number, long) | {"majority class": 0.0, "colour statistics": 0.7}
    pairs = differences_of(named)
    figure = critical_difference_figure(values_of(named), pairs, "f1", 0.05, BASELINES)
    assert overlaps(figure) == []
    written = words(figure)
    assert all(f"{value:.3f}" in written for value in named.values())
    assert "17 patients" in written
    assert "colour statistics (baseline)" in written
    assert "majority class: far off, at 0.000" in written.replace("\n", " ")


def test_a_bar_has_a_dot_for_each_contestant_that_it_joins(words: Words) -> None:
    named = {"a": 0.6, "b": 0.7, "c": 0.8, "d": 0.9}
    pairs = differences_of(named).assign(apart=True)
    assert bars_of(critical_difference_figure(values_of(named), pairs, "f1")) == []
    together = pairs.assign(apart=~(pairs["a"] + pairs["b"]).isin(["ac", "cd"]))
    figure = critical_difference_figure(values_of(named), together, "f1")
    assert bars_of(figure) == [[0.6, 0.8], [0.8, 0.9]]  # not b, which the first bar passes
    assert "17 patients" in words(figure)


def test_baselines_without_significant_difference_are_joined_to_settings(words: Words) -> None:
    """From a sweep: all settings differ significantly, but a baseline has p 0.58."""
    named = {"majority class": 0.1, "colour statistics": 0.67, "a": 0.7}
    pairs = differences_of(named).assign(p_holm=[np.nan, 0.38, 0.58], apart=False)
    figure = critical_difference_figure(values_of(named), pairs, "f1", baselines=BASELINES)
    assert bars_of(figure) == [[0.1, 0.7], [0.67, 0.7]]
    assert "baselines are not tested" in words(figure).replace("\n", " ")


@pytest.mark.parametrize("named", [{}, {"a": float("nan")}, {"a$b$": 0.5}, {"a": 0.5, "b": 0.5}])
def test_degenerate_comparisons_are_drawn(named: dict[str, float], words: Words) -> None:
    empty = differences_of({"a": 0.1, "b": 0.2}).iloc[:0]
    figure = critical_difference_figure(values_of(named), empty, "f1")
    assert overlaps(figure) == []
    assert ("no value of F1" in words(figure)) == (not any(np.isfinite([*named.values()])))
    assert "no pair was tested" in words(differences_figure(empty, "f1", baselines=BASELINES))


@pytest.mark.parametrize(("number", "long"), [(2, True), (7, False), (20, True)])
def test_the_forest_has_a_row_per_pair_or_those_of_the_best(
    number: int, long: bool, words: Words
) -> None:
    named = contestants(number, long) | {"majority class": 0.0, "colour statistics": 0.7}
    figure = differences_figure(differences_of(named), "f1", BASELINES)
    assert overlaps(figure) == []
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    pairs = number * (number - 1) // 2 + 2 * number
    assert len(labels) == (pairs if pairs <= 40 else number + 1)
    written = words(figure)
    assert "17 patients" in written
    assert (f"of {pairs} pairs with the best one" in written) == (pairs > 40)
    if pairs > 40:
        best = max(contestants(number, long), key=lambda n: named[n])
        assert all(best[:12] in label for label in labels)


def test_the_better_one_stands_first_and_p_is_in_words(words: Words) -> None:
    named = {"majority class": 0.2, "a": 0.5, "b": 0.71, "c": 0.72}
    figure = differences_figure(differences_of(named), "f1", baselines=BASELINES)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == [
        *["c minus a", "b minus a", "c minus b"],
        *["c minus majority class", "b minus majority class", "a minus majority class"],
    ]
    written = words(figure)
    assert "0.22 (0.17 to 0.27)" in written
    assert written.count("not significant") == 1
    assert written.count("p < 0.001") == 5
    assert "p = 0.61" in written
    markers = [line.get_marker() for line in figure.axes[0].lines if line.get_marker() != "None"]
    assert markers == ["o"] * 3 + ["D"] * 3


def test_a_loss_that_is_lower_is_the_better_one(words: Words) -> None:
    table = differences_of({"a": 0.5, "b": 0.3}).assign(metric="log_loss")
    figure = differences_figure(table, "log_loss")
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["b minus a"]
    assert "-0.20 (-0.25 to -0.15)" in words(figure)
    assert "lower is better" in words(figure)


def board(names: list[str], runs: int = 3, interval: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for name in names:
        row: dict[str, object] = {"setting": name, "runs": runs}
        row["kind"] = "baseline" if name in BASELINES else "run"
        row["leaky"] = name == "leak"
        for metric in METRICS:
            singles = rng.normal(0.7, 0.03, runs)
            row[f"{metric}_mean"] = singles.mean()
            row[f"{metric}_std"] = singles.std(ddof=1) if runs > 1 else np.nan
            row[f"{metric}_values"] = singles.tolist()
            if interval:
                row |= {f"{metric}_low": 0.6, f"{metric}_high": 0.8}
        rows.append(row)
    return pd.DataFrame(rows)


def test_the_leaderboard_puts_baselines_below_a_line_and_marks_leaks(words: Words) -> None:
    table = board(["majority class", "leak", "fair"])
    figure = leaderboard_figure(table, METRICS)
    axes = figure.axes[0]
    labels = [t.get_text() for t in axes.get_yticklabels()]
    assert labels == ["leak †  (n=3)", "fair  (n=3)", "majority class  (baseline)"]
    written = words(figure)
    assert "patients are in two splits" in written
    assert "95 % interval over patients" in written
    assert "deviation" not in written
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [dot.get_xdata()[0] for dot in dots] == table["test/f1_mean"].iloc[[1, 2, 0]].tolist()
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, False, True]
    (level,) = [line for line in axes.lines if list(line.get_xdata()) == [0, 1]]
    assert level.get_ydata()[0] == 1.5  # between the lowest setting and the baseline
    low, high = axes.get_ylim()
    assert low > high
    assert overlaps(figure) == []


def test_the_leaderboard_describes_its_values(words: Words) -> None:
    value = value_label(folds=True, repeats=True)
    assert value == "pooled over folds, mean over repeats"
    assert value in words(leaderboard_figure(board(["a"]), METRICS, value)).replace("\n", " ")
    assert "fold" not in value_label(folds=False, repeats=True) + value_label(False, False)
    names = [*contestants(20, long=True), "colour statistics"]
    assert overlaps(leaderboard_figure(board(names), METRICS)) == []


def test_degenerate_leaderboards_are_drawn(words: Words) -> None:
    assert "no setting has finished" in words(leaderboard_figure(pd.DataFrame(), METRICS))
    table = board(["a"], runs=1, interval=False)
    table["test/auroc_mean"], table["test/auroc_values"] = np.nan, [[]]
    written = words(leaderboard_figure(table, METRICS))
    assert "unknown" in written
    assert "deviation" not in written
