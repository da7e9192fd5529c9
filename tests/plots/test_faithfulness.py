"""Figures of faithfulness: verdicts are legible without colour, with few and many methods."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.faithfulness import (
    MARKS,
    faithfulness_matrix_figure,
    measures_figure,
    methods_figure,
)
from idc.plots.faithfulness_curves import curves_figure, randomisation_figure

Words = Callable[[Figure], str]

VERDICTS = list(MARKS)


def table(count: int) -> pd.DataFrame:
    gain = np.linspace(0.3, -0.05, count)
    return pd.DataFrame(
        {
            "method": [f"method_{i}" for i in range(count)],
            "verdict": [VERDICTS[i % len(VERDICTS)] for i in range(count)],
            "drop_over_random": gain,
            "drop_over_random_low": gain - 0.05,
            "drop_over_random_high": gain + 0.05,
            "drop_over_random_white": gain + 0.1,
            "drop_over_random_white_low": gain,
            "drop_over_random_white_high": gain + 0.2,
            "drop_over_random_mean": gain - 0.1,
            "drop_over_random_mean_low": gain - 0.2,
            "drop_over_random_mean_high": gain,
            "randomisation_similarity": 0.3,
            "randomisation_low": 0.2,
            "randomisation_high": 0.4,
            "randomisation_highest": 0.6,
            "border_mass": np.linspace(0.1, 0.5, count),
            "border_area": 0.15,
            "infidelity_share": 0.8,
            "max_sensitivity": [np.nan, *[0.2] * (count - 1)],
            "pointing_game": np.nan,
            "pointing_chance": np.nan,
            "localisation": np.nan,
        }
    )


def curves(count: int, deciding: Sequence[str] = ("white", "mean")) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "method": f"method_{i}",
                "baseline": baseline,
                "decides": baseline in deciding,
                "maps": maps,
                "kind": kind,
                "share": np.linspace(0, 1, 6),
                "probability": np.linspace(at, 1, 6)[:: 1 if kind == "insertion" else -1],
            }
        )
        for i in range(count)
        for baseline, at in (("white", 0), ("mean", 0.4))
        for maps in ("method", "random")
        for kind in ("insertion", "deletion")
    ]
    return pd.concat(parts, ignore_index=True)


def stages(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (f"method_{i}", stage, layer, value, value - 0.1, value + 0.1, 1.0)
            for i in range(count)
            for stage, (layer, value) in enumerate(
                zip(["as trained", "head", "backbone.stages.stem"], [1, 0.7, 0.1 + i], strict=True)
            )
        ],
        columns=["method", "stage", "layer", "similarity", "low", "high", "known"],
    )


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


@pytest.mark.parametrize("count", [1, 5])
def test_curves_stand_beside_those_of_random_maps(count: int, words: Words) -> None:
    figure = curves_figure(curves(count), table(count))
    seen = [axes for axes in figure.axes if axes.get_visible()]
    assert len(seen) == count
    assert all(len(axes.lines) == 4 for axes in seen)
    assert "insertion, random maps" in words(figure)
    assert "replaced by white, mean: mean over these" in words(figure)
    assert all(min(line.get_ydata()) == pytest.approx(0.2) for line in seen[0].lines)
    assert "gain 0.30 (0.25 to 0.35)" in seen[0].get_title()
    figure = curves_figure(curves(count, ["mean"]), table(count))
    assert all(min(line.get_ydata()) == pytest.approx(0.4) for line in figure.axes[0].lines)
    assert "replaced by mean" in words(figure)


@pytest.mark.parametrize("count", [1, 5])
def test_shuffled_weights_are_named_and_held_against_the_limit(count: int, words: Words) -> None:
    figure = randomisation_figure(stages(count), 0.5)
    text = words(figure)
    assert "stem" in text
    assert "backbone" not in text
    assert "limit 0.5" in text
    assert "method_0  ✓ 0.10" in text
    assert ("method_1  ✗ 1.10" in text) == (count > 1)


def test_empty_maps_of_shuffled_weights_are_neither_alike_nor_not(words: Words) -> None:
    rows = stages(3)
    rows.loc[(rows["method"] == "method_0") & (rows["stage"] == 2), ["similarity", "known"]] = [
        np.nan,
        0.0,
    ]
    rows.loc[rows["method"] == "method_2", ["similarity", "known"]] = [np.nan, 0.2]
    text = words(randomisation_figure(rows, 0.5))
    assert "method_0  ✗ 0.70 at head" in text
    assert "method_2  ∅ empty maps" in text
    text = words(randomisation_figure(rows[rows["method"] == "method_2"], 0.5))
    assert "method_2  ∅ empty maps" in text


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
    assert "no interval" in words(curves_figure(curves(1), lone))
    empty = table(1).iloc[:0]
    for figure in (
        methods_figure(empty),
        measures_figure(empty, 0.5),
        curves_figure(curves(1).iloc[:0], empty),
        faithfulness_matrix_figure(empty.assign(model="")),
    ):
        assert "no method was measured" in words(figure)
    one_stage = stages(1).query("stage == 0")
    assert "no weights were shuffled" in words(randomisation_figure(one_stage, 0.5))
