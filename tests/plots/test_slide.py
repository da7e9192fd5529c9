"""A slide map shows positions, classes and gaps."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from idc.plots.mosaic import find_places
from idc.plots.slide import outline, slide_figure, tint

Words = Callable[[Figure], str]


def test_the_outline_runs_round_a_region_and_its_hole() -> None:
    inside = np.ones((3, 3), bool)
    places = find_places(np.array([101, 201]), np.array([51, 151]), 50)
    assert len(outline(inside, places)) == 12
    inside[1, 1] = False
    lines = outline(inside, places)
    assert len(lines) == 16
    assert lines[..., 0].min() == 101
    assert lines[..., 0].max() == 251
    assert lines[..., 1].min() == 51
    assert lines[..., 1].max() == 201
    hole = {tuple(map(tuple, s.astype(int).tolist())) for s in lines}
    assert ((151, 101), (151, 151)) in hole
    lengths = np.abs(lines[:, 1] - lines[:, 0]).sum(1)
    assert (lengths == 50).all()
    assert len(outline(np.zeros((2, 2), bool), places)) == 0


def test_the_tint_tells_classes_apart_and_leaves_empty_places() -> None:
    tissue = np.full((4, 6, 3), (200, 120, 180), np.uint8)
    labels = np.array([[0, 1, -1], [1, 0, -1]])
    seen = tint(tissue, labels, ["#0072B2", "#D55E00"])
    assert (seen[:, 4:] == tissue[:, 4:]).all()
    assert seen[0, 0, 2] > seen[0, 0, 0]  # blue
    assert seen[0, 2, 0] > seen[0, 2, 2]  # vermilion
    assert (seen[0, 0] == seen[3, 3]).all()


def make(labels: np.ndarray, dropped: np.ndarray, names: tuple[str, ...], title: str) -> Figure:
    rows, columns = np.indices(labels.shape).reshape(2, -1)
    places = find_places(columns * 50 + 1, rows * 50 + 101, 50)
    tissue = np.full((10 * labels.shape[0], 10 * labels.shape[1], 3), 180, np.uint8)
    return slide_figure(tissue, labels, dropped, places, names, title)


def test_a_slide_map_is_in_slide_pixels_with_y_downwards(words: Words) -> None:
    labels = np.array([[0, 1, -1], [0, 1, 1]])
    dropped = np.array([[True, False, False], [False, False, False]])
    figure = make(labels, dropped, ("no IDC", "IDC"), "8863: 5 patches")
    written = words(figure)
    for word in ("8863: 5 patches", "no IDC (2)", "IDC (3)", "dropped (1)", "no patch", ", px"):
        assert word in written
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert low > high
        assert axes.get_aspect() == 1
        (image,) = axes.images
        assert image.get_extent() == [1, 151, 201, 101]
    crosses = [
        c.get_segments()
        for c in figure.axes[1].collections
        if isinstance(c, LineCollection) and len(c.get_segments()) == 2
    ]
    ((first, second),) = crosses
    middle = np.concatenate([first, second]).mean(0)
    assert middle.tolist() == [26.0, 126.0]  # the middle of the dropped place


@pytest.mark.parametrize(
    ("names", "shape"),
    [(("a",), (1, 1)), (("a", "b"), (1, 300)), (("a", "b"), (300, 1)), (("a", "b", "c"), (40, 70))],
)
def test_any_shape_and_number_of_classes(
    names: tuple[str, ...], shape: tuple[int, int], words: Words
) -> None:
    labels = np.random.default_rng(0).integers(-1, len(names), shape)
    figure = make(labels, np.zeros(shape, bool), names, r"odd \$name\$")
    assert "dropped" not in words(figure)
    width, height = figure.get_size_inches()
    assert 2 <= height <= 12
    assert 6 <= width <= 16
    outlined = len(set(np.unique(labels)) - {-1, 0})
    assert sum(isinstance(c, LineCollection) for c in figure.axes[1].collections) == 2 * outlined
