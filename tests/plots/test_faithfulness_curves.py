"""Curves of inserted and deleted pixels, and maps of shuffled weights."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from faithfulness_cases import table
from matplotlib.figure import Figure

from idc.plots.faithfulness_curves import curves_figure, randomisation_figure

Words = Callable[[Figure], str]


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


def test_one_patch_has_no_interval_and_nothing_measured_is_an_empty_figure(words: Words) -> None:
    lone = table(1).assign(drop_over_random_low=np.nan, drop_over_random_high=np.nan)
    assert "no interval" in words(curves_figure(curves(1), lone))
    empty = curves_figure(curves(1).iloc[:0], table(1).iloc[:0])
    unshuffled = randomisation_figure(stages(1).query("stage == 0"), 0.5)
    for figure in (empty, unshuffled):
        (axes,) = figure.axes
        assert not axes.lines and len(axes.texts) == 1
