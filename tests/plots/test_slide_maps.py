"""The maps of a slide say what was found, missed and called, and where, in slide pixels."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from idc.plots.mosaic import find_places
from idc.plots.slide_maps import MAX_SHOWN, SlideMaps, region_burden_figure, slide_maps_figure

Words = Callable[[Figure], str]

RNG = np.random.default_rng(0)
NAMES = ("no IDC", "IDC")
TITLES = ["tissue", "labels", "calibrated probability", "decision", "errors"]


def slide(
    shape: tuple[int, int],
    labels: np.ndarray | None = None,
    predicted: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    attribution: np.ndarray | None = None,
    share: float = 0.7,
) -> SlideMaps:
    """A slide with holes; values given are of each of its patches."""
    row, column = np.indices(shape).reshape(2, -1)
    if labels is None:
        keep = RNG.random(len(row)) < share
        keep[[0, -1]] = True
        row, column = row[keep], column[keep]
    places = find_places(column * 50 + 1, row * 50 + 101, 50)
    height, width = places.shape
    count = len(row)
    decided = RNG.integers(0, 2, count) if predicted is None else predicted
    return SlideMaps(
        np.full((4 * height, 4 * width, 3), (200, 120, 180), np.uint8),
        places,
        RNG.integers(0, 2, count) if labels is None else labels,
        decided,
        RNG.random(count) if scores is None else scores,
        np.where(decided == 1, 1, 0),
        attribution,
        "Grad-CAM",
    )


def panel(figure: Figure, title: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title().startswith(title))


def test_each_panel_has_a_title_and_a_legend(words: Words) -> None:
    maps = slide(
        (2, 4),
        labels=np.array([1, 1, 1, 0, 0, 0, 0, 1]),
        predicted=np.array([1, 1, 0, 1, 0, 0, 0, 0]),
        scores=np.array([0.9, 0.8, 0.4, 0.7, 0.1, 0.2, 0.3, 0.0]),
        attribution=RNG.normal(size=(6, 12)),
    )
    figure = slide_maps_figure(maps, "8863", NAMES, 0.625)
    written = words(figure)
    for word in [
        *TITLES,
        "8863: 8 patches, of which 4 labelled IDC\n2 found, 2 missed, 1 false alarm "
        "(recall 0.500, precision 0.667)",
        "decision at 0.62\n1 region",
        "errors\n2 missed, 1 false alarm",
        "evidence, one scale per slide\nGrad-CAM",
        "labelled IDC (4)",
        "missed IDC (2)",
        "false alarm: called IDC (1)",
        "correctly called IDC (2)",
        "correctly not called IDC (3)",
        "called IDC (3)",
        "x on the slide, px",
        "line at the threshold, 0.62",
        "probability of IDC",
    ]:
        assert word in written
    maps_drawn = [axes for axes in figure.axes if axes.get_title()]
    assert len(maps_drawn) == 6
    for axes in maps_drawn:
        low, high = axes.get_ylim()
        assert low > high
        assert {tuple(image.get_extent()) for image in axes.images} == {(1, 201, 201, 101)}


def test_evidence_that_cannot_be_trusted_is_marked(words: Words) -> None:
    mark = "not shown to beat random maps"
    maps = slide((2, 3), np.zeros(6, int), np.ones(6, int), attribution=np.ones((2, 3)))
    maps = replace(maps, method="gradcam, stage3, map 7x7", mark=mark)
    written = words(slide_maps_figure(maps, "9001", ("no IDC", "IDC"), 0.5))
    assert mark in written
    assert "gradcam, stage3, map 7x7" in written


def test_missed_patches_are_marked_by_more_than_colour() -> None:
    labels, predicted = np.array([1, 1, 0, 0]), np.array([0, 1, 1, 0])
    figure = slide_maps_figure(slide((1, 4), labels, predicted), "a", NAMES, 0.5)
    axes = panel(figure, "errors")
    strokes = [c.get_segments() for c in axes.collections if isinstance(c, LineCollection)]
    middles = [np.mean(s, axis=(0, 1)).tolist() for s in strokes if len(s) < 3]
    counts = [len(s) for s in strokes if len(s) < 3]
    assert sorted(counts) == [1, 2]  # one for a false alarm, a cross for a missed patch
    assert middles[counts.index(2)] == [26, 126]
    assert middles[counts.index(1)] == [126, 126]
    image = np.asarray(axes.images[0].get_array()).reshape(4, 4, 4, 3)[0, :, 0].astype(int)
    spread = np.ptp(image, axis=1)  # how far from grey
    assert spread[0] == spread.max()
    assert spread[3] == 0  # rightly negative


def test_the_called_regions_are_outlined_in_every_panel_and_numbered_in_one() -> None:
    predicted = np.array([1, 0, 1, 1, 0, 0])
    maps = slide((1, 6), np.zeros(6, int), predicted, attribution=np.ones((1, 6)))
    regions = np.array([2, 0, 1, 1, 0, 0])
    maps = SlideMaps(**{**vars(maps), "regions": regions})
    figure = slide_maps_figure(maps, "a", NAMES, 0.5)
    for axes in (axes for axes in figure.axes if axes.get_title()):
        edges = [c for c in axes.collections if isinstance(c, LineCollection)]
        assert any(len(c.get_segments()) == 4 + 6 for c in edges)
    numbers = {t.get_text(): t.get_position() for t in panel(figure, "decision").texts}
    assert numbers["2"] == (26.0, 126.0)
    assert numbers["1"][1] == 126.0
    assert set(numbers) == {"1", "2"}


def test_a_patient_of_one_class_and_unknown_labels(words: Words) -> None:
    none, called = np.zeros(6, int), np.array([0, 1, 0, 0, 0, 0])
    written = words(slide_maps_figure(slide((2, 3), none, called), "a", NAMES, 0.5))
    assert "0 missed, 1 false alarm (recall undefined, precision 0.000)" in written
    written = words(slide_maps_figure(slide((2, 3), none + 1, none), "a", NAMES, 0.5))
    assert "recall 0.000, precision undefined" in written
    assert "6 missed" in written
    half = np.array([-1, -1, 1, 0, 0, -1])
    written = words(slide_maps_figure(slide((2, 3), half, called), "a", NAMES, 0.5))
    assert "6 patches, 3 without a label" in written
    assert written.count("label unknown (3)") == 1
    written = words(slide_maps_figure(slide((2, 3), none - 1, called), "a", NAMES, 0.5))
    assert "recall" not in written


def test_scores_that_hardly_vary_have_colours_of_their_own(words: Words) -> None:
    scores = np.array([0.50471, 0.50473, 0.50479, 0.50475])
    labels = np.array([0, 0, 1, 1])
    figure = slide_maps_figure(slide((2, 2), labels, labels, scores), "a", NAMES, 0.50474)
    written = words(figure)
    assert "rescaled to a narrow range" in written
    assert panel(figure, "calibrated").images[0].get_clim() == (0.50471, 0.50479)
    figure = slide_maps_figure(slide((2, 2), labels, labels, scores * 1.9 - 0.4), "a", NAMES, 0.1)
    assert panel(figure, "calibrated").images[0].get_clim() == (0, 1)


def test_more_classes_are_right_or_wrong(words: Words) -> None:
    labels, predicted = np.array([0, 1, 2, 2, -1, 0]), np.array([0, 1, 1, 2, 0, 0])
    maps = SlideMaps(**{**vars(slide((2, 3), labels, predicted)), "regions": None})
    written = words(slide_maps_figure(maps, "a", ("normal", "benign", "$x$ $y$"), None))
    for word in ("accuracy 80 %", "wrong (1)"):
        assert word in written
    assert "errors\n1 of 5" in written
    assert "threshold" not in written
    assert "false alarm" not in written
    assert r"labelled \$x\$ \$y\$ (2)" in written


@pytest.mark.parametrize(
    ("shape", "attribution"),
    [((1, 1), True), ((1, 90), True), ((90, 1), False), ((9, 40), True), ((50, 15), True)],
)
def test_panels_of_any_shape_stay_apart(shape: tuple[int, int], attribution: bool) -> None:
    evidence = RNG.normal(size=(shape[0] * 2, shape[1] * 2)) if attribution else None
    maps = slide(shape, attribution=evidence)
    figure = slide_maps_figure(maps, "a very long name " * 6, ("b" * 50, "c" * 50), 0.5)
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    assert 6 <= width <= 16
    assert height <= 12
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert len(panels) == 5 + attribution
    sizes = {tuple(np.round(a.get_window_extent().size)) for a in panels}
    assert len(sizes) == 1
    boxes = [axes.get_window_extent() for axes in figure.axes]
    titles = [axes.title.get_window_extent() for axes in panels]
    every = [*boxes, *titles, figure.legends[0].get_window_extent()]
    for i, one in enumerate(every):
        assert not any(one.overlaps(other) for other in every[i + 1 :])


def regions(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "region": np.arange(1, count + 1),
            "patches": np.arange(count, 0, -1) ** 2,
            "mean_score": np.linspace(0.9, 0.5, count),
            "labelled": np.linspace(1, 0, count),
        }
    )


@pytest.mark.parametrize("count", [1, 3, MAX_SHOWN + 20])
def test_regions_are_bars_the_largest_first(count: int, words: Words) -> None:
    table = regions(count)
    figure = region_burden_figure(table.sample(frac=1, random_state=0), "8863", "IDC", 0.5)
    written = words(figure)
    left, right = figure.axes
    shown = min(count, MAX_SHOWN)
    bars = [bar.get_width() for bar in left.patches]
    assert len(bars) == 2 * shown
    total = np.add(bars[:shown], bars[shown:])
    assert np.allclose(total, table["patches"][:shown])
    assert np.allclose(bars[:shown], (table["patches"] * table["labelled"])[:shown])
    assert [t.get_text() for t in left.get_yticklabels()] == [str(i + 1) for i in range(shown)]
    assert right.lines[0].get_xdata().tolist() == table["mean_score"][:shown].tolist()
    assert f"8863: {count} region{'' if count == 1 else 's'} called IDC" in written
    assert ("the 40 largest" in written) == (count > MAX_SHOWN)
    assert figure.get_size_inches()[1] < 13


def test_no_called_region_is_marked(words: Words) -> None:
    assert "no region was called" in words(region_burden_figure(regions(0), "8863", "IDC"))
