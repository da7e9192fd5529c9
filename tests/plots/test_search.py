"""Figures of a hyperparameter search."""

import numpy as np
import pandas as pd
import pytest

from idc.plots.search import history_figure, importance_figure, parallel_figure, slice_figure

TRIALS = pd.DataFrame(
    {
        "trial": range(5),
        "state": ["COMPLETE", "PRUNED", "COMPLETE", "FAIL", "COMPLETE"],
        "value": [0.5, 0.2, 0.7, np.nan, 0.6],
        "lr": [1e-4, 1e-2, 1e-3, 1e-3, 3e-3],
        "augment": ["none", "light", "light", "none", "none"],
    }
)
OPTIONS = ["lr", "augment"]


@pytest.mark.parametrize(("mode", "best"), [("max", [0.5, 0.7, 0.7]), ("min", [0.5, 0.5, 0.5])])
def test_history_has_each_trial_and_the_best_until_then(mode: str, best: list[float]) -> None:
    (axes,) = history_figure(TRIALS, "val/f1", mode).axes
    whole, stopped = axes.collections
    assert whole.get_offsets().tolist() == [[0, 0.5], [2, 0.7], [4, 0.6]]
    assert stopped.get_offsets().tolist() == [[1, 0.2]]
    assert axes.lines[0].get_ydata().tolist() == best
    assert axes.get_ylabel() == "validation F1"


def test_importance_is_sorted() -> None:
    (axes,) = importance_figure({"a": 0.2, "b": 0.8}, "val/f1", 3).axes
    assert [bar.get_width() for bar in axes.patches] == [0.2, 0.8]


def test_slices_have_one_panel_per_option() -> None:
    lr, augment = slice_figure(TRIALS, OPTIONS, "val/f1", ["lr"]).axes[:2]
    assert lr.get_xscale() == "log"
    assert [text.get_text() for text in augment.get_xticklabels()] == ["light", "none"]
    assert lr.collections[0].get_offsets().tolist() == [[1e-4, 0.5], [1e-3, 0.7], [3e-3, 0.6]]


def test_parallel_coordinates_have_one_line_per_whole_trial() -> None:
    axes = parallel_figure(TRIALS, OPTIONS, "val/f1", ["lr"]).axes[0]
    lines = axes.lines[3:]  # the first three are the axes
    heights = [line.get_ydata().tolist() for line in lines]
    assert [one[-1] for one in heights] == pytest.approx([0, 0.5, 1])
    assert heights[0][:2] == [0, 1]
    assert heights[2][0] == pytest.approx(np.log10(10) / np.log10(30))


@pytest.mark.parametrize("draw", [slice_figure, parallel_figure])
def test_a_search_without_a_whole_trial_is_drawn(draw: object) -> None:
    draw(TRIALS.iloc[1:2], OPTIONS, "val/f1", ["lr"])
    history_figure(TRIALS.iloc[1:2], "val/f1")
