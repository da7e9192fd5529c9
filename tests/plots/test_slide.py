"""A mosaic has every patch in its place; a slide map shows positions, classes and gaps."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from idc.plots.mosaic import CHUNK, EMPTY, find_places, mosaic, on_grid, shrink
from idc.plots.slide import outline, slide_figure, tint

Words = Callable[[Figure], str]

RNG = np.random.default_rng(0)


def flat(*values: int, size: int = 50) -> np.ndarray:
    """Patches of one grey value each."""
    return np.stack([np.full((size, size, 3), v, np.uint8) for v in values])


def test_patches_lie_where_they_were_cut() -> None:
    x, y = np.array([1001, 1051, 1001]), np.array([501, 501, 601])
    image = mosaic(flat(10, 20, 30), x, y, 50, 10)
    assert image.shape == (30, 20, 3)
    assert (image[:10, :10] == 10).all()
    assert (image[:10, 10:] == 20).all()
    assert (image[20:, :10] == 30).all()
    assert (image[10:20] == EMPTY).all()  # y grows downwards: row 551 has no patch


@pytest.mark.parametrize("cell", [1, 7, 10, 50])
def test_a_pixel_is_the_mean_of_what_it_covers(cell: int) -> None:
    patches = RNG.integers(0, 256, (5, 50, 50, 3), dtype=np.uint8)
    small = shrink(patches, cell)
    assert small.shape == (5, cell, cell, 3)
    # Neighbours in the chunk must not mix: each keeps its own mean.
    assert np.allclose(small.mean((1, 2)), patches.mean((1, 2)), atol=1)
    if 50 % cell == 0:
        block = 50 // cell
        exact = patches.reshape(5, cell, block, cell, block, 3).mean((2, 4))
        assert np.abs(small - exact).max() <= 0.5 + 1e-6


def test_positions_off_the_grid_are_rounded() -> None:
    places = find_places(np.array([3, 51, 77, 78, -47]), np.array([0, 0, 0, 0, 0]), 50)
    assert places.columns.tolist() == [1, 2, 2, 3, 0]
    assert places.left == -47
    odd = find_places(np.array([0, 12, 13, 25]), np.zeros(4, int), 25)
    assert odd.columns.tolist() == [0, 0, 1, 1]


def test_the_later_patch_covers_the_earlier() -> None:
    x, y = np.array([0, 0, 50]), np.zeros(3, int)
    assert (mosaic(flat(10, 20, 30), x, y, 50, 5)[:, :5] == 20).all()
    places = find_places(x, y, 50)
    assert places.covered == 1
    assert on_grid(np.array([7, 8, 9]), places, -1).tolist() == [[8, 9]]


def test_probabilities_can_be_laid_on_the_grid() -> None:
    places = find_places(np.array([0, 100]), np.array([0, 50]), 50)
    grid = on_grid(np.array([[0.25, 0.75], [1.0, 0.0]]), places, np.nan)
    assert grid.shape == (2, 3, 2)
    assert grid[1, 2].tolist() == [1.0, 0.0]
    assert np.isnan(grid).sum() == 8


class Recorder:
    """Patches that record how many are read at once."""

    def __init__(self, patches: np.ndarray) -> None:
        self.patches, self.asked = patches, []

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        self.asked.append(len(rows))
        return self.patches[rows]


def test_patches_are_read_by_row_and_in_chunks() -> None:
    count = 2 * CHUNK + 3
    patches = Recorder(RNG.integers(0, 256, (count + 9, 4, 4, 3), dtype=np.uint8))
    rows = RNG.permutation(count + 9)[:count]
    x = 4 * np.arange(count)
    image = mosaic(patches, x, np.zeros(count, int), 4, 4, rows)  # type: ignore[arg-type]
    assert np.array_equal(image.reshape(4, count, 4, 3).swapaxes(0, 1), patches.patches[rows])
    assert max(patches.asked) <= CHUNK
    assert sum(patches.asked) == count


def test_no_patch_to_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="no patch"):
        find_places(np.array([], int), np.array([], int), 50)


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
    labels = RNG.integers(-1, len(names), shape)
    figure = make(labels, np.zeros(shape, bool), names, r"odd \$name\$")
    assert "dropped" not in words(figure)
    width, height = figure.get_size_inches()
    assert 2 <= height <= 12
    assert 6 <= width <= 16
    outlined = len(set(np.unique(labels)) - {-1, 0})
    assert sum(isinstance(c, LineCollection) for c in figure.axes[1].collections) == 2 * outlined
