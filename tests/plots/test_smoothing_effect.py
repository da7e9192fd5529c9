"""The figure of smoothing shows every candidate beside no smoothing, and what would change."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.smoothing_effect import METRICS, smoothing_figure

STRENGTHS = {"median": [1, 2], "mean": [0.5, 1, 2], "crf": [0.1], "crf_contrast": [0.1, 0.2]}


def effect(kinds: dict[str, list[float]], chosen: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [("none", 0.0), *((kind, float(s)) for kind, all_of in kinds.items() for s in all_of)]
    table = pd.DataFrame(rows, columns=["smoother", "strength"])
    table["chosen"] = np.arange(len(table)) == chosen
    for metric in METRICS:
        table[f"val/{metric}"] = rng.random(len(table))
    for start in ("", "recall_"):
        table[f"{start}low"], table[f"{start}high"] = -0.1, 0.2
    return table


def words_of(figure: Figure) -> str:
    figure.draw_without_rendering()
    result = figure.findobj(matplotlib.text.Text)
    return "\n".join(t.get_text() for t in result if t.get_visible())


@pytest.mark.parametrize("kinds", [STRENGTHS, {"median": [1, 2]}])
def test_every_candidate_is_drawn_beside_none(kinds: dict[str, list[float]]) -> None:
    table = effect(kinds)
    figure = smoothing_figure(table, 4, "resnet18 $a$")
    words = words_of(figure)
    for word in ("not applied", "4 patients", "log loss", "AUROC", "recall", "no smoothing"):
        assert word in words
    assert "lowest validation log loss" in words
    grid = np.array(figure.axes).reshape(len(METRICS), len(kinds))
    for column, kind in enumerate(kinds):
        rows = table[table["smoother"] == kind]
        assert grid[-1, column].get_xticklabels()[0].get_text() == f"{kinds[kind][0]:g}"
        for axes, metric in zip(grid[:, column], METRICS, strict=True):
            without, drawn, square = axes.lines
            assert without.get_ydata()[0] == table[f"val/{metric}"][0]
            assert drawn.get_ydata().tolist() == rows[f"val/{metric}"].tolist()
            picked = rows.loc[rows["chosen"], f"val/{metric}"].tolist()
            assert square.get_ydata().tolist() == picked
            assert len(axes.collections) == (metric in ("log_loss", "recall"))


def test_metrics_that_are_undefined_are_left_empty() -> None:
    table = effect({"median": [1]}, chosen=1)
    table[["val/f1", "val/recall", "low", "high", "recall_low", "recall_high"]] = np.nan
    words = words_of(smoothing_figure(table, 1))
    assert words.count("undefined") == 2
    assert "interval" not in words
    assert "1 patient" in words
