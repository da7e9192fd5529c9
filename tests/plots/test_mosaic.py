"""A mosaic has every patch in its place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idc.plots.mosaic import CHUNK, EMPTY, find_places, mosaic, on_grid, paste, shrink

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


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 12), st.integers(-9, 12)), min_size=1, max_size=6))
def test_tiles_are_pasted_where_they_lie(corners: list[tuple[int, int]]) -> None:
    tiles = np.arange(1, len(corners) + 1, dtype=np.uint8)[:, None, None, None]
    tiles = np.broadcast_to(tiles, (len(corners), 4, 4, 3))
    canvas = paste(tiles, np.array(corners), 12)
    expected = np.full((12, 12), EMPTY[0])
    for value, (x, y) in enumerate(corners, 1):
        for row in range(max(y, 0), min(y + 4, 12)):
            for column in range(max(x, 0), min(x + 4, 12)):
                expected[row, column] = value
    assert np.array_equal(canvas[:, :, 0], expected)
