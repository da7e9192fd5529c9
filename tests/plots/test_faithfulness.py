"""Figures of faithfulness: verdicts are legible without colour, with few and many methods."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from faithfulness_cases import VERDICTS, table
from matplotlib.figure import Figure

from idc.plots.faithfulness import (
    MARKS,
    faithfulness_matrix_figure,
    measures_figure,
    methods_figure,
)

Words = Callable[[Figure], str]


@pytest.mark.parametrize("count", [1, 5])
def test_every_method_has_its_gain_and_its_verdict_in_words(count: int, words: Words) -> None:
    figure = methods_figure(table(count))
    written = words(figure)
    axes = figure.axes[0]
    marks = [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert [mark.get_xdata()[0] for mark in marks] == table(count)["drop_over_random"].tolist()
    assert [mark.get_marker() for mark in marks] == [
        MARKS[v].marker for v in table(count)["verdict"]
    ]
    for verdict in set(table(count)["verdict"]):
        assert f"{MARKS[verdict].sign} {verdict}" in written
    assert "can be believed for this model: method_0" in written


def test_without_a_trusted_method_the_title_warns() -> None:
    gains = {f"drop_over_random{end}": 1e-4 for end in ("", "_low", "_high")}
    figure = methods_figure(table(2).assign(verdict=VERDICTS[1], **gains))
    assert "do not read" in figure.get_suptitle()
    low, high = figure.axes[0].get_xlim()
    assert low <= -0.05 and high >= 0.05  # a tiny gain looks tiny


@pytest.mark.parametrize("count", [1, 5])
def test_every_further_measure_has_a_panel(count: int, words: Words) -> None:
    figure = measures_figure(table(count), 0.5)
    panels = [axes.get_title() for axes in figure.axes]
    assert not any("pointing" in title or "localisation" in title for title in panels)
    assert any("max-sensitivity" in title for title in panels) == (count > 1)
    written = words(figure)
    assert ("unknown" in written) == (count > 1)
    assert f"method_0  {MARKS[VERDICTS[0]].sign}" in written


def test_verdicts_differ_in_sign_and_shape() -> None:
    for look in ("sign", "marker"):
        assert len({getattr(mark, look) for mark in MARKS.values()}) == len(MARKS)


def test_where_the_truth_is_known_chance_is_drawn(words: Words) -> None:
    reference = table(2).assign(pointing_game=0.9, pointing_chance=0.3, localisation=0.8)
    figure = measures_figure(reference, 0.5)
    assert "by chance" in words(figure)
    for title, chance in (("pointing game", 0.3), ("patch's edge", 0.15)):
        (axes,) = [a for a in figure.axes if title in a.get_title()]
        assert sum(list(line.get_xdata()) == [chance] * 2 for line in axes.lines) == 2
    bare = table(2).drop(columns=["border_mass", "border_area"])
    assert "by chance" not in words(measures_figure(bare, 0.5))


def test_the_matrix_marks_each_cell_and_leaves_out_what_is_missing() -> None:
    frame = pd.concat([table(3).assign(model=m) for m in ("resnet50", "vgg16")]).iloc[:-1]
    figure = faithfulness_matrix_figure(frame)
    cells = figure.axes[0].texts
    assert len(cells) == 5
    assert sum("✗" in cell.get_text() for cell in cells) == 1
    assert cells[0].get_text() == "✓ 0.30\n0.25 to 0.35"
    gains = figure.axes[0].images[0].get_array()  # of trusted methods only
    assert np.ma.filled(gains, np.nan)[0].tolist() == [0.3, 0.3]
    assert np.isnan(np.ma.filled(gains, np.nan)[1:]).all()


def test_a_single_patch_has_no_interval_and_nothing_is_an_empty_figure(words: Words) -> None:
    lone = table(1).assign(drop_over_random_low=np.nan, drop_over_random_high=np.nan)
    assert "no interval" in words(faithfulness_matrix_figure(lone.assign(model="m")))
    empty = table(1).iloc[:0]
    for figure in (
        methods_figure(empty),
        measures_figure(empty, 0.5),
        faithfulness_matrix_figure(empty.assign(model="")),
    ):
        assert "no method was measured" in words(figure)
