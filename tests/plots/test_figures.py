"""Figures hold the numbers and words that they must, for every kind of input."""

import tracemalloc
from collections.abc import Callable

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, roc_auc_score

from idc.plots.attribution import AttributionCase, attribution_figure
from idc.plots.class_counts import balance_figure
from idc.plots.confusion import confusion_figure
from idc.plots.curves import pr_figure, roc_figure
from idc.plots.learning_curves import learning_figure
from idc.plots.patch_grids import augmented_grid_figure, sample_grid_figure
from idc.plots.style import CURVES, curve_style
from idc.plots.sweep_settings import leaderboard_figure

Words = Callable[[Figure], str]

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 200)
SCORES = np.clip(0.35 * LABELS + RNG.normal(0.35, 0.2, 200), 0, 1)


def test_confusion_matrix_shows_counts_and_row_per_cent(words: Words) -> None:
    panels = {
        "at 0.31": np.array([[90, 10], [5, 45]]),
        "at 0.5": np.array([[0, 0], [5, 1234]]),
    }
    written = words(confusion_figure(panels, ["no IDC", "IDC"]))
    for word in ("90\n90.0%", "10\n10.0%", "45\n90.0%", "1,234\n99.6%", "(no patch)"):
        assert word in written
    for word in ("at 0.31", "predicted", "true", "no IDC", "% of the true class"):
        assert word in written


def test_confusion_matrices_of_a_sweep_wrap() -> None:
    panels = {f"run {i}": np.eye(3, dtype=int) for i in range(7)}
    figure = confusion_figure(panels, ["a", "b", "c"])
    shown = [a for a in figure.axes if a.get_visible() and a.get_title().startswith("run")]
    assert len(shown) == 7


@pytest.mark.parametrize(
    ("make", "area"), [(roc_figure, roc_auc_score), (pr_figure, average_precision_score)]
)
def test_curves_state_area_and_working_point(make: object, area: object, words: Words) -> None:
    figure = make({"test": (LABELS, SCORES)}, {"test": 0.4}, "a title")
    written = words(figure)
    assert f"{area(LABELS, SCORES):.3f}" in written
    assert "threshold 0.400" in written
    assert "chance" in written
    called = SCORES >= 0.4
    assert f"recall {called[LABELS == 1].mean():.3f}" in written


@pytest.mark.parametrize("make", [roc_figure, pr_figure])
def test_curves_without_a_class_are_marked(make: object, words: Words) -> None:
    figure = make({"test": (np.ones(5, int), np.ones(5))}, {"test": 0.5}, "t")
    assert "only one class" in words(figure)


@pytest.mark.parametrize("make", [roc_figure, pr_figure])
def test_twelve_curves_differ_and_do_not_hide_under_the_legend(make: object) -> None:
    curves = {f"backbone=a_rather_long_name_{i},seed={i}": (LABELS, SCORES) for i in range(12)}
    figure = make(curves, dict.fromkeys(curves, 0.5), "t")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    (legend,) = figure.legends
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())
    assert legend.get_window_extent().x1 <= figure.bbox.x1 + 1
    looks = {(str(curve_style(i)["color"]), str(curve_style(i)["linestyle"])) for i in range(28)}
    assert len(looks) == 28


def test_class_balance_states_patches_share_and_patients(words: Words) -> None:
    counts = pd.DataFrame(
        {
            "split": ["train", "train", "val", "val"],
            "class": ["no IDC", "IDC"] * 2,
            "patches": [3000, 1000, 10, 0],
            "patients": [7, 6, 1, 0],
        }
    )
    written = words(balance_figure(counts))
    for word in ("3,000\n75%\n7 patients", "1,000\n25%\n6 patients", "10\n100%\n1 patient"):
        assert word in written


@pytest.mark.parametrize("epochs", [1, 30])
def test_learning_curves(epochs: int, words: Words) -> None:
    rows = [
        (epoch, stage, metric, 0.5)
        for epoch in range(1, epochs + 1)
        for stage in ("train", "val")
        for metric in ("loss", "f1", "recall", "precision", "accuracy")
    ]
    history = pd.DataFrame(rows, columns=["epoch", "stage", "metric", "value"])
    figure = learning_figure(history, best_epoch=1, monitor="val/f1")
    written = words(figure)
    assert "best val/f1 in epoch 1" in written
    assert {a.get_ylabel() for a in figure.axes if a.get_visible()} == {
        "loss",
        "F1",
        "recall",
        "precision",
        "accuracy",
    }
    drawn = figure.axes[0].lines[0].get_xdata()
    assert list(drawn) == list(range(1, epochs + 1))
    ticks = [t for a in figure.axes if a.get_visible() for t in a.get_xticks()]
    assert all(float(t).is_integer() for t in ticks)  # there is no epoch 1.5


def test_grids_show_every_patch_with_its_caption(words: Words) -> None:
    patches = RNG.integers(0, 256, (13, 20, 20, 3), dtype=np.uint8)
    captions = [f"patient {i}" for i in range(13)]
    figure = sample_grid_figure({"IDC": (patches, captions), "none": (patches[:0], [])}, "t")
    written = words(figure)
    assert all(c in written.split("\n") for c in captions)
    assert "IDC" in written
    drawn = [im.get_array() for ax in figure.axes for im in ax.images]
    assert len(drawn) == 13
    assert np.array_equal(drawn[4], patches[4])
    augmented = augmented_grid_figure(patches[:2], np.stack([patches[:2]] * 3, 1), "t")
    assert sum(len(ax.images) for ax in augmented.axes) == 8


def test_attribution_colours_part_at_zero_only_for_signed_maps(words: Words) -> None:
    patch = RNG.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    signed, positive = RNG.normal(size=(20, 20)), RNG.random((20, 20))
    case = AttributionCase(
        patch,
        {"ig": signed, "gradcam": positive, "flat": np.zeros((20, 20))},
        "TP 9001",
        {"gradcam": "layer3, map 7x7"},
    )
    figure = attribution_figure([case], ["ig", "gradcam", "flat"], "t", "what is explained")
    written = words(figure)
    for word in ("TP 9001", "layer3, map 7x7", "what is explained", "ig", "gradcam"):
        assert word in written
    maps = [ax.images[0] for ax in figure.axes if ax.images and ax.images[0].get_array().ndim == 2]
    low, high = maps[0].get_clim()
    assert low == -high
    assert maps[1].get_clim()[0] == 0


def test_a_signed_method_has_one_kind_of_colours_in_all_rows() -> None:
    patch = RNG.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    both, positive = RNG.normal(size=(20, 20)), RNG.random((20, 20))
    cases = [AttributionCase(patch, {"ig": values}, "", {}) for values in (both, positive)]
    figure = attribution_figure(cases, ["ig"], "t")
    names = {i.get_cmap().name for ax in figure.axes for i in ax.images if i.get_array().ndim == 2}
    assert names - {"gray"} == {"PuOr_r"}


def test_a_method_that_is_not_to_be_trusted_is_marked(words: Words) -> None:
    patch = RNG.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    maps = {"good": RNG.random((20, 20)), "bad": RNG.random((20, 20))}
    case = AttributionCase(patch, maps, "h", {}, {"bad": "fails the weights check"})
    figure = attribution_figure([case], ["good", "bad"], "t")
    assert "bad\n✗ fails the weights check" in words(figure)
    dashed = [ax for ax in figure.axes if ax.spines["left"].get_linestyle() == "--"]
    assert len(dashed) == 2  # the map alone and on the patch


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


def luminance(colour: str) -> float:
    r, g, b = matplotlib.colors.to_rgb(colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


# Machado et al. 2009, severity 1: what a deuteranope and a protanope see.
DEFICIENCIES = {
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
}


@pytest.mark.parametrize("kind", DEFICIENCIES)
def test_the_first_colours_differ_for_the_colour_blind(kind: str) -> None:
    matrix = np.array(DEFICIENCIES[kind])
    seen = [matrix @ matplotlib.colors.to_rgb(c) for c in CURVES]
    distances = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) > 0.12


@pytest.mark.slow
def test_figures_leave_no_memory_behind() -> None:
    def draw() -> None:
        roc_figure({"t": (LABELS, SCORES)}, {"t": 0.5}, "t").draw_without_rendering()

    draw()
    tracemalloc.start()
    for _ in range(2):
        draw()
    import gc

    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(3):
        draw()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1_000_000
