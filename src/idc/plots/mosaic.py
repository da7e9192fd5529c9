"""Mosaic of a slide from its patches, at reduced resolution."""

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
EMPTY = (228, 231, 235)  # where there is no patch: cooler and darker than glass (near white)
CHUNK = 256  # patches in memory at once


@dataclass(frozen=True)
class Places:
    """The grid on which patches lie: row and column of each, int64 (n,), from the upper left.

    `left` and `top`, the smallest x and y, and `patch_size` are in slide pixels.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    left: int
    top: int
    patch_size: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return int(self.rows.max()) + 1, int(self.columns.max()) + 1

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top in slide pixels, for imshow with y downwards."""
        height, width = (n * self.patch_size for n in self.shape)
        return self.left, self.left + width, self.top + height, self.top

    @property
    def covered(self) -> int:
        """Number of patches that share the place of another."""
        return len(self.rows) - len(np.unique(self.rows * self.shape[1] + self.columns))


def find_places(x: NDArray[np.integer], y: NDArray[np.integer], patch_size: int) -> Places:
    """Place each patch on the grid from the smallest x and y, rounded to whole patches.

    `x` and `y` are the upper left corners, int (n,), n > 0, in slide pixels like `patch_size`.

    Raises:
        ValueError: There are no patches.
    """
    if not len(x):
        raise ValueError("no patches to place")
    left, top = int(x.min()), int(y.min())
    # Round half up; rint would round halves to even places.
    columns = (np.asarray(x, np.int64) - left + patch_size // 2) // patch_size
    rows = (np.asarray(y, np.int64) - top + patch_size // 2) // patch_size
    return Places(rows, columns, left, top, patch_size)


def on_grid(values: NDArray[Scalar], places: Places, empty: float) -> NDArray[Scalar]:
    """Arrange values of patches, (n,) or (n, c), on the grid, such as labels or probabilities.

    Returns:
        (rows, columns) or (rows, columns, c), `empty` without a patch. Of patches that share a
        place, the last is used.
    """
    grid = np.full((*places.shape, *values.shape[1:]), empty, values.dtype)
    grid[places.rows, places.columns] = values
    return grid


def mosaic(
    patches: NDArray[np.uint8],
    x: NDArray[np.integer],
    y: NDArray[np.integer],
    patch_size: int,
    cell: int,
    rows: NDArray[np.integer] | None = None,
) -> NDArray[np.uint8]:
    """Assemble the slide at `cell` pixels per patch, by area averaging.

    Patches are read in chunks, so `patches`, uint8 (N, P, P, 3), may be a memory map larger than
    memory. `rows` are those of the positions `x` and `y`, int (n,), in slide pixels; by default
    0..n-1.

    Returns:
        uint8 (rows * cell, columns * cell, 3), RGB, `EMPTY` without a patch. Of patches that share
        a place, the last is shown.

    Raises:
        ValueError: There are no patches.
    """
    places = find_places(x, y, patch_size)
    height, width = places.shape
    grid = np.full((height, cell, width, cell, 3), EMPTY, np.uint8)
    order = np.arange(len(x)) if rows is None else np.asarray(rows)
    for start in range(0, len(order), CHUNK):
        part = slice(start, start + CHUNK)
        small = shrink(patches[order[part]], cell)
        # A loop, as the winner of two equal indices is undefined in NumPy.
        for row, column, tile in zip(places.rows[part], places.columns[part], small, strict=True):
            grid[row, :, column] = tile
    return grid.reshape(height * cell, width * cell, 3)


def shrink(patches: NDArray[np.uint8], cell: int) -> NDArray[np.uint8]:
    """Resize patches (n, P, P, 3) to (n, cell, cell, 3) by area averaging."""
    count, side = patches.shape[:2]
    # As one tall image: borders of patches fall on borders of pixels, so patches do not mix.
    tall = np.ascontiguousarray(patches).reshape(count * side, side, 3)
    small = cv2.resize(tall, (cell, count * cell), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).reshape(count, cell, cell, 3)


def paste(tiles: NDArray[np.uint8], corners: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
    """Paste tiles, (n, P, P, 3), on a square of `side` pixels, `EMPTY` elsewhere, clipped to it.

    `corners` are x and y of each tile's upper left corner, int (n, 2).
    """
    canvas = np.full((side, side, 3), EMPTY, np.uint8)
    size = tiles.shape[1]
    for tile, (x, y) in zip(tiles, corners.tolist(), strict=True):
        left, top = max(x, 0), max(y, 0)
        part = canvas[top : max(y + size, 0), left : max(x + size, 0)]
        part[:] = tile[top - y :, left - x :][: part.shape[0], : part.shape[1]]
    return canvas
