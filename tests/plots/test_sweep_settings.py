"""The figure of training size has its sizes as ticks and its spread as bars."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.sweep_settings import leaderboard_figure, learning_size_figure

Words = Callable[[Figure], str]


def table(sizes: list[int], settings: tuple[str, ...] = ("a",), runs: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for setting in settings:
        for size in sizes:
            values = rng.normal(0.7, 0.02, runs)
            rows.append(
                {
                    "setting": setting,
                    "patients": size,
                    "metric": "f1",
                    "mean": values.mean(),
                    "std": values.std(ddof=1) if runs > 1 else np.nan,
                    "n": runs,
                    "values": values.tolist(),
                }
            )
    return pd.DataFrame(rows)


def ticks_of(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [t.get_text() for t in figure.axes[0].get_xticklabels() if t.get_text()]


def test_a_line_goes_through_the_means_in_the_order_of_size(words: Words) -> None:
    frame = table([8, 2, 4])
    figure = learning_size_figure(frame)
    (line,) = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert line.get_xdata().tolist() == pytest.approx([2, 4, 8])
    by_size = frame.sort_values("patients")
    assert line.get_ydata().tolist() == by_size["mean"].tolist()
    bars = [path.vertices[:, 1] for path in figure.axes[0].collections[0].get_paths()]
    deviation = by_size["std"].to_numpy()
    assert [np.ptp(bar) for bar in bars] == pytest.approx((2 * deviation).tolist())
    written = words(figure).replace("bar:\n", "bar: ")
    assert "mean of 3 runs, bar: sample deviation, small marks: single runs" in written
    assert ticks_of(figure) == ["2", "4", "8"]
    assert "training patients" in written


def test_an_interval_is_shown_rather_than_a_deviation(words: Words) -> None:
    figure = learning_size_figure(table([2, 4]).assign(low=0.5, high=0.9))
    bars = [path.vertices[:, 1].tolist() for path in figure.axes[0].collections[0].get_paths()]
    assert bars == [[0.5, 0.9]] * 2
    assert "interval" in words(figure)


@pytest.mark.parametrize(("sizes", "scale"), [([2, 19], "linear"), ([2, 20], "log")])
def test_a_decade_makes_the_axis_logarithmic(sizes: list[int], scale: str, words: Words) -> None:
    figure = learning_size_figure(table(sizes))
    assert figure.axes[0].get_xscale() == scale
    assert ("logarithmic" in words(figure)) == (scale == "log")
    assert ticks_of(figure) == [str(size) for size in sizes]


@pytest.mark.parametrize(
    "sizes", [[5], list(range(100, 110)), [1, 2, 3, 5, 8, 13, 100, 250, 278, 279]]
)
def test_labels_of_close_sizes_do_not_touch(sizes: list[int]) -> None:
    figure = learning_size_figure(table(sizes))
    figure.draw_without_rendering()
    labels = [t for t in figure.axes[0].get_xticklabels() if t.get_text()]
    boxes = [label.get_window_extent() for label in labels]
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
    assert labels[0].get_text() == f"{sizes[0]:,}"
    assert labels[-1].get_text() == f"{sizes[-1]:,}"


def test_settings_differ_by_more_than_colour_and_stand_side_by_side() -> None:
    names = tuple(f"_a long name of a setting, lr={i}, " * 3 for i in range(9))
    figure = learning_size_figure(table([2, 50, 279], names))
    lines = [line for line in figure.axes[0].lines if line.get_linestyle() != "None"]
    lines = [line for line in lines if line.get_marker() != "_"]
    looks = {(line.get_color(), line.get_marker()) for line in lines}
    assert len(looks) == 9
    figure.draw_without_rendering()
    starts = {round(float(line.get_transform().transform((2, 0.7))[0]), 3) for line in lines}
    assert len(starts) == 9
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 9
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    assert box.x0 > 0
    assert box.x1 < figure.bbox.x1


def test_one_run_has_no_deviation(words: Words) -> None:
    written = words(learning_size_figure(table([4, 8], runs=1)))
    assert "single runs" in written
    assert "bar" not in written
    assert "no run has finished" in words(learning_size_figure(table([4])[:0]))


def test_leaderboard_shows_means_and_single_runs(words: Words) -> None:
    table = pd.DataFrame(
        {
            "setting": ["backbone=a", "backbone=b"],
            "runs": [2, 1],
            "test/f1_mean": [0.8, 0.7],
            "test/f1_std": [0.1, np.nan],
            "test/f1_values": [[0.7, 0.9], [0.7]],
        }
    )
    written = words(leaderboard_figure(table, ["test/f1"]))
    for word in ("backbone=a  (n=2)", "backbone=b  (n=1)", "0.800", "0.700", "F1"):
        assert word in written


def test_patches_are_the_sizes_where_patches_were_left_out(words: Words) -> None:
    by_patch = table([120, 126]).assign(patches=[1635, 16354])
    figure = learning_size_figure(by_patch)
    assert "training patches" in words(figure)
    assert ticks_of(figure) == ["1,635", "16,354"]
    by_patient = table([12, 126]).assign(patches=[1500, 16354])
    assert "training patients" in words(learning_size_figure(by_patient))
