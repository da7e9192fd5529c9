"""The figure of slices shows rates, intervals and counts, and marks what does worse by a word."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from idc.plots.slice_errors import slices_figure


def table(values: int = 4) -> pd.DataFrame:
    count = values + 1
    rng = np.random.default_rng(0)
    error, recall = rng.uniform(0.1, 0.2, count), rng.uniform(0.7, 0.9, count)
    return pd.DataFrame(
        {
            "slice": ["all", *["stain"] * values],
            "value": ["all patches", *[f"kind {i}" for i in range(values)]],
            "patches": [12_345, *[1] * values],
            "patients": [17, *[1] * values],
            "error_rate": error,
            "error_rate_ci_low": error - 0.02,
            "error_rate_ci_high": error + 0.03,
            "worse": [False] * (count - 1) + [values > 0],
            "recall": recall,
            "recall_ci_low": recall - 0.05,
            "recall_ci_high": recall + 0.04,
            "misses_more": False,
        }
    )


def words(figure: Figure) -> list[str]:
    """All that is written in a figure, which is drawn for it."""
    figure.draw_without_rendering()
    result = figure.findobj(matplotlib.text.Text)
    return [t.get_text() for t in result if t.get_visible() and t.get_text()]


def whiskers(figure: Figure, panel: int) -> set[tuple[float, float]]:
    lines = [c for c in figure.axes[panel].collections if isinstance(c, LineCollection)]
    ends = [s[:, 0] for c in lines for s in c.get_segments() if len(s) == 2]
    return {(round(float(a), 6), round(float(b), 6)) for a, b in ends}


def test_each_slice_has_its_rates_intervals_and_counts() -> None:
    given = table()
    figure = slices_figure(given)
    text = words(figure)
    assert "all patches\n12,345 patches, 17 patients" in text
    assert "stain: kind 0\n1 patch, 1 patient" in text
    for panel, name in enumerate(("error_rate", "recall")):
        drawn = whiskers(figure, panel)
        for low, high in zip(given[f"{name}_ci_low"], given[f"{name}_ci_high"], strict=True):
            assert (round(low, 6), round(high, 6)) in drawn


def test_worse_slices_are_marked_by_a_word_and_a_shape() -> None:
    given = table()
    given["misses_more"] = [False, True, True, False, False]
    figure = slices_figure(given)
    text = words(figure)
    assert text.count("worse") == 1
    assert text.count("misses more") == 2
    shapes = {line.get_marker() for line in figure.axes[0].lines}
    assert {"D", "o", "s"} <= shapes
    calm = slices_figure(given.assign(worse=False, misses_more=False))
    assert "markedly worse than all other patches" not in words(calm)


def test_an_undefined_metric_is_marked() -> None:
    given = table()
    given.loc[2, ["recall", "recall_ci_low", "recall_ci_high"]] = np.nan
    assert words(slices_figure(given)).count("not defined") == 1
    given[["recall", "recall_ci_low", "recall_ci_high"]] = np.nan
    assert words(slices_figure(given)).count("not defined") == 5


def test_more_classes_have_one_panel() -> None:
    given = table().drop(columns=["recall", "recall_ci_low", "recall_ci_high", "misses_more"])
    assert len(slices_figure(given).axes) == 1


def test_none_one_and_many_slices_can_be_drawn() -> None:
    assert "no slices" in words(slices_figure(table().head(0)))
    assert "all patches" in words(slices_figure(table(0)))
    many = table(100).assign(slice="$ a long name of a slice $")
    text = words(slices_figure(many))
    assert "Slices of the test patches (the first 60 of 101)" in text
    assert any(r"\$ a long" in t for t in text)
    assert sum("1 patch, 1 patient" in t for t in text) == 59
