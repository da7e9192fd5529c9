"""A stitched map: patches where they lay, on one scale, without seams."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idc.errors import DataError
from idc.plots.mosaic import find_places, on_grid
from idc.slides.stitch import stitch

RNG = np.random.default_rng(0)


def grid(rows: int, columns: int, step: int = 50) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.indices((rows, columns)).reshape(2, -1)
    return 1001 + step * column, 501 + step * row


@settings(max_examples=40, deadline=None)
@given(
    places=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12),
    cell=st.integers(1, 12),
    margin=st.floats(0, 0.5),
    shift=st.integers(-20, 20),
)
def test_constant_maps_stitch_to_a_constant(
    places: set[tuple[int, int]], cell: int, margin: float, shift: int
) -> None:
    row, column = np.array(sorted(places)).T
    x = 50 * column + np.where(row % 2, shift, 0)  # with some off the grid, so that they overlap
    maps = np.full((len(row), 8, 8), 0.7)
    result = stitch(maps, x, 50 * row, 50, cell, True, margin)
    there = np.isfinite(result.values)
    assert there.any()
    assert result.values[there] == pytest.approx(0.7)
    if shift == 0:
        # Blending neither adds nor takes away places.
        assert there.sum() == len(row) * cell**2


def test_without_blending_maps_are_placed() -> None:
    x, y = np.array([1001, 1051, 1101]), np.array([501, 551, 501])
    maps = RNG.normal(size=(3, 10, 10)).astype(np.float32)
    result = stitch(maps, x, y, 50, 10, blend=False)
    assert result.values.dtype == np.float32
    assert result.values.shape == (20, 30)
    assert np.array_equal(result.values[:10, :10], maps[0])
    assert np.array_equal(result.values[10:, 10:20], maps[1])
    assert np.array_equal(result.values[:10, 20:], maps[2])
    assert np.isnan(result.values[10:, :10]).all()
    assert (result.left, result.top, result.scale) == (1001, 501, 5)
    assert result.extent == find_places(x, y, 50).extent


def test_it_lies_where_the_mosaic_does() -> None:
    x, y = grid(3, 4)
    keep = np.array([0, 2, 3, 5, 8, 11])
    result = stitch(np.ones((6, 5, 5)), x[keep], y[keep], 50, 5)
    there = on_grid(np.ones(6), find_places(x[keep], y[keep], 50), np.nan)
    assert np.array_equal(np.isfinite(result.values), np.isfinite(there).repeat(5, 0).repeat(5, 1))


def test_seams_shrink_and_what_is_far_from_them_stays() -> None:
    x, y = grid(2, 3)
    maps = RNG.normal(size=(6, 1, 1)) + np.zeros((6, 20, 20))
    maps += 0.1 * RNG.normal(size=maps.shape).cumsum(2)
    hard = stitch(maps, x, y, 50, 20, blend=False).values
    soft = stitch(maps, x, y, 50, 20, margin=0.2).values
    for border in (20, 40):
        before, after = (np.abs(v[:, border] - v[:, border - 1]).mean() for v in (hard, soft))
        assert after < 0.4 * before
    # Nothing of the jump moves to where blending begins.
    assert np.abs(np.diff(soft, axis=1)).max() < 0.6 * np.abs(np.diff(hard, axis=1)).max()
    inside = np.zeros(20, bool)
    inside[4:-4] = True
    middle = np.ix_(np.tile(inside, 2), np.tile(inside, 3))
    assert np.allclose(soft[middle], hard[middle])
    # At the outer edge there is no neighbour to blend with.
    assert np.allclose(soft[0, 4:16], hard[0, 4:16])
    assert not np.allclose(soft, hard)


def test_one_scale_for_the_slide() -> None:
    x, y = grid(1, 2)
    maps = np.stack([np.full((4, 4), 1e-3), np.full((4, 4), 5.0)])
    result = stitch(maps, x, y, 50, 8).values
    assert result[:, 0] == pytest.approx(1e-3)
    assert result[:, -1] == pytest.approx(5)
    assert (np.diff(result, axis=1) >= 0).all()


def test_where_patches_overlap_stands_the_mean() -> None:
    maps = np.stack([np.zeros((10, 10)), np.ones((10, 10))])
    result = stitch(maps, np.array([0, 25]), np.array([0, 0]), 50, 10, blend=False).values
    assert result.shape == (10, 15)
    assert result[3].tolist() == [0] * 5 + [0.5] * 5 + [1] * 5


@pytest.mark.parametrize("cell", [1, 5, 7, 30])
def test_maps_are_resized_by_areas(cell: int) -> None:
    values = RNG.random((1, 10, 10))
    result = stitch(values, np.array([7]), np.array([9]), 50, cell).values
    assert result.shape == (cell, cell)
    assert result.mean() == pytest.approx(values.mean(), abs=0.03)


def test_what_cannot_be_stitched() -> None:
    with pytest.raises(DataError, match="no patch"):
        stitch(np.empty((0, 5, 5)), np.array([], int), np.array([], int), 50, 5)
    with pytest.raises(ValueError, match="margin"):
        stitch(np.ones((1, 5, 5)), np.array([0]), np.array([0]), 50, 5, margin=0.6)
