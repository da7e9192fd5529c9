"""Figures of a comparison name everybody, keep their texts apart, and say what decides."""

from itertools import combinations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.comparison.cliques import cliques, nonsignificant_pairs
from idc.plots.critical_difference import critical_difference_figure, differences_figure
from idc.plots.fan import clip_distant, lanes
from idc.plots.setting_ranking import leaderboard_figure
from idc.plots.style import BLUE
from idc.text import value_label

BASELINES = ("majority class", "colour statistics")


def words_of(figure: Figure) -> str:
    """Everything written in a figure, which is drawn for it."""
    figure.draw_without_rendering()
    assert plt.get_fignums() == []
    result = figure.findobj(matplotlib.text.Text)
    return "\n".join(t.get_text() for t in result if t.get_visible())


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
    result = set(figure.findobj(matplotlib.text.Text)) - undrawn
    texts = [t for t in result if t.get_visible() and t.get_text()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts]
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


@pytest.mark.parametrize(("number", "long"), [(2, True), (3, False), (20, False), (20, True)])
def test_names_are_fanned_out_without_overlap(number: int, long: bool) -> None:
    named = contestants(number, long) | {"majority class": 0.0, "colour statistics": 0.7}
    order = sorted(named, key=lambda name: named[name])
    joined = [order[1:3], order[2:]] if number > 2 else []
    figure = critical_difference_figure(
        values_of(named), differences_of(named), joined, "f1", "A title", baselines=BASELINES
    )
    assert overlaps(figure) == []
    words = words_of(figure)
    for value in named.values():
        assert f"{value:.3f}" in words
    assert "17 patients" in words
    assert "5 % after Holm" in words.replace("\n", " ")
    assert "majority class (baseline)" in words


def bars_of(figure: Figure) -> list[tuple[float, list[float]]]:
    """Lane and places of the dots of each bar."""
    lines = figure.axes[0].lines
    dots = [line for line in lines if line.get_marker() == "o" and line.get_color() == BLUE]
    return [(float(dot.get_ydata()[0]), list(dot.get_xdata())) for dot in dots]


def test_a_bar_has_a_dot_for_each_that_it_joins() -> None:
    named = {"a": 0.6, "b": 0.7, "c": 0.8, "d": 0.9}
    pairs = differences_of(named)
    figure = critical_difference_figure(values_of(named), pairs, [("c", "a"), ("c", "d")], "f1")
    (one, places), (other, more) = bars_of(figure)
    assert places == [0.6, 0.8]  # not b, which the bar passes
    assert more == [0.8, 0.9]
    assert one != other  # they touch at c
    none = critical_difference_figure(values_of(named), pairs, [], "f1")
    assert bars_of(none) == []
    assert "All tested pairs differ significantly" in words_of(none).replace("\n", " ")


def test_baselines_without_significant_difference_are_joined_to_settings() -> None:
    """From a sweep: all settings differ significantly, but a baseline has p 0.58."""
    named = {"majority class": 0.66, "colour statistics": 0.67, "a": 0.7}
    pairs = differences_of(named).assign(p_holm=[np.nan, 0.38, 0.58], apart=False)
    groups = cliques(list(named), nonsignificant_pairs(pairs, "f1"))
    figure = critical_difference_figure(values_of(named), pairs, groups, "f1", baselines=BASELINES)
    assert [places for _, places in bars_of(figure)] == [[0.66, 0.7], [0.67, 0.7]]
    words = words_of(figure).replace("\n", " ")
    assert "can be told" not in words
    assert "baselines are not tested" in words.replace("\n", " ")


def test_bars_that_touch_get_a_lane_each() -> None:
    assert lanes([(1.0, 0.0), (0.5, 2.0), (1.5, 3.0)]) == [
        ([0.0, 1.0], 0),
        ([0.5, 2.0], 1),
        ([1.5, 3.0], 0),
    ]
    assert lanes([]) == []


def test_a_far_off_baseline_is_drawn_nearer_with_its_own_value() -> None:
    named = {"majority class": 0.0, "colour statistics": 0.1, "a": 0.8, "b": 0.9}
    places = clip_distant(named, BASELINES)
    assert list(places.values()) == sorted(places.values())
    assert len(set(places.values())) == 4
    assert places["majority class"] > 0.5
    assert (places["a"], places["b"]) == (0.8, 0.9)
    assert clip_distant(named, ()) == named
    pairs = differences_of(named)
    figure = critical_difference_figure(values_of(named), pairs, [], "f1", baselines=BASELINES)
    words = words_of(figure)
    assert "majority class (baseline)  0.000" in words
    assert "beyond" in words
    assert {line.get_marker() for line in figure.axes[0].lines} >= {"<", "o"}


def test_the_number_of_patients_is_shown() -> None:
    pairs = differences_of(contestants(3))
    for patients, words in ((17, "17 patients"), (1, "1 patient")):
        few = pairs.assign(patients=patients)
        assert words in words_of(differences_figure(few, "f1"))
        figure = critical_difference_figure(values_of(contestants(3)), few, [], "f1")
        assert words in words_of(figure)


@pytest.mark.parametrize("named", [{}, {"a": float("nan")}, {"a$b$": 0.5}, {"a": 0.5, "b": 0.5}])
def test_degenerate_comparisons_are_drawn(named: dict[str, float]) -> None:
    empty = pd.DataFrame(columns=differences_of({"a": 0.1, "b": 0.2}).columns)
    figure = critical_difference_figure(values_of(named), empty, [tuple(named)], "f1")
    assert overlaps(figure) == []
    words = words_of(figure)
    if not any(np.isfinite(v) for v in named.values()):
        assert "no value of F1" in words
    assert "no pair was tested" in words_of(differences_figure(empty, "f1", baselines=BASELINES))


@pytest.mark.parametrize(("number", "long"), [(2, True), (7, False), (20, True)])
def test_the_forest_has_a_row_a_pair_or_those_of_the_best(number: int, long: bool) -> None:
    named = contestants(number, long) | {"majority class": 0.0, "colour statistics": 0.7}
    figure = differences_figure(differences_of(named), "f1", "A title", BASELINES)
    assert overlaps(figure) == []
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    pairs = number * (number - 1) // 2 + 2 * number
    assert len(labels) == (pairs if pairs <= 40 else number + 1)
    words = words_of(figure)
    assert (f"of {pairs} pairs with the best one" in words) == (pairs > 40)
    if pairs > 40:
        best = max(contestants(number, long), key=lambda n: named[n])
        assert f"{best} minus the others" in words.replace("…", "")


def test_the_better_one_stands_first_and_p_is_in_words() -> None:
    named = {"majority class": 0.2, "a": 0.5, "b": 0.71, "c": 0.72}
    figure = differences_figure(differences_of(named), "f1", baselines=BASELINES)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == [
        *["c minus a", "b minus a", "c minus b"],
        *["c minus majority class", "b minus majority class", "a minus majority class"],
    ]
    words = words_of(figure)
    assert "0.22 (0.17 to 0.27)" in words
    assert words.count("not significant") == 1
    assert words.count("p < 0.001") == 5
    assert "p = 0.61" in words
    markers = [line.get_marker() for line in figure.axes[0].lines if line.get_marker() != "None"]
    assert markers == ["o"] * 3 + ["D"] * 3


def test_a_loss_that_is_lower_is_the_better_one() -> None:
    table = differences_of({"a": 0.5, "b": 0.3}).assign(metric="log_loss")
    figure = differences_figure(table, "log_loss")
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["b minus a"]
    assert "-0.20 (-0.25 to -0.15)" in words_of(figure)
    assert "lower is better" in words_of(figure)


def board(names: list[str], runs: int = 3, interval: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for name in names:
        row: dict[str, object] = {"setting": name, "runs": runs}
        row["kind"] = "baseline" if name in BASELINES else "run"
        row["leaky"] = name == "leak"
        for metric in ("test/f1", "test/auroc"):
            singles = rng.normal(0.7, 0.03, runs)
            row[f"{metric}_mean"] = singles.mean()
            row[f"{metric}_std"] = singles.std(ddof=1) if runs > 1 else np.nan
            row[f"{metric}_values"] = singles.tolist()
            if interval:
                row |= {f"{metric}_low": 0.6, f"{metric}_high": 0.8}
        rows.append(row)
    return pd.DataFrame(rows)


METRICS = ["test/f1", "test/auroc"]


def test_the_leaderboard_puts_baselines_below_a_line_and_marks_leaks() -> None:
    figure = leaderboard_figure(board(["majority class", "leak", "fair"]), METRICS)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == ["leak †  (n=3)", "fair  (n=3)", "majority class  (baseline)"]
    words = words_of(figure)
    assert "patients are in two splits" in words
    assert "95 % interval over patients" in words
    assert "deviation" not in words
    faces = [
        line.get_markerfacecolor() for line in figure.axes[0].lines if line.get_marker() == "o"
    ]
    assert faces.count("white") == 1
    levels = [line for line in figure.axes[0].lines if list(line.get_xdata()) == [0, 1]]
    assert len(levels) == 1
    assert 0 < levels[0].get_ydata()[0] < 1  # between the lowest setting and the baseline
    assert overlaps(figure) == []


def test_the_leaderboard_describes_its_values() -> None:
    assert "Test metrics: mean," in words_of(leaderboard_figure(board(["a"]), METRICS))
    words = value_label(folds=True, repeats=True)
    assert words == "pooled over folds, mean over repeats"
    assert words in words_of(leaderboard_figure(board(["a"]), METRICS, words)).replace("\n", " ")
    assert "fold" not in value_label(folds=False, repeats=True) + value_label(False, False)


@pytest.mark.parametrize("number", [1, 20])
def test_long_leaderboards_keep_their_texts_apart(number: int) -> None:
    names = [*contestants(number, long=True), "colour statistics"]
    assert overlaps(leaderboard_figure(board(names), METRICS)) == []


def test_degenerate_leaderboards_are_drawn() -> None:
    assert "no setting has finished" in words_of(leaderboard_figure(pd.DataFrame(), METRICS))
    table = board(["a"], runs=1, interval=False)
    table["test/auroc_mean"], table["test/auroc_values"] = np.nan, [[]]
    words = words_of(leaderboard_figure(table, METRICS))
    assert "unknown" in words
    assert "deviation" not in words
    assert words_of(leaderboard_figure(board(["majority class"]), METRICS))
