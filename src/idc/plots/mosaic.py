"""A slide put together again from its patches, small enough to look at."""

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
EMPTY = (228, 231, 235)  # where no patch lies: cool and darker than glass, which is near white
CHUNK = 256  # patches in memory at once


@dataclass(frozen=True)
class Places:
    """The grid on which patches lie.

    Attributes:
        rows: Row of each patch, int64 (n,), 0 at the top.
        columns: Column of each patch, int64 (n,), 0 at the left.
        left: Smallest x, in slide pixels.
        top: Smallest y, in slide pixels.
        patch_size: Side of a place, in slide pixels.
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
        """Patches that lie on the place of another."""
        return len(self.rows) - len(np.unique(self.rows * self.shape[1] + self.columns))


def find_places(x: NDArray[np.integer], y: NDArray[np.integer], patch_size: int) -> Places:
    """The place of each patch, relative to the smallest x and y, rounded to whole patches.

    Args:
        x: Left edge of each patch in slide pixels, int (n,), n > 0.
        y: Upper edge of each patch in slide pixels, int (n,).
        patch_size: Side of a patch in slide pixels.

    Raises:
        ValueError: There is no patch.
    """
    if not len(x):
        raise ValueError("no patch to place")
    left, top = int(x.min()), int(y.min())
    # Half a patch and more counts as the next place; rint would round halves to even places.
    columns = (np.asarray(x, np.int64) - left + patch_size // 2) // patch_size
    rows = (np.asarray(y, np.int64) - top + patch_size // 2) // patch_size
    return Places(rows, columns, left, top, patch_size)


def on_grid(values: NDArray[Scalar], places: Places, empty: float) -> NDArray[Scalar]:
    """Values at their places: a map of labels or of probabilities.

    Args:
        values: A value a patch, (n,) or (n, c).
        places: Where the patches lie.
        empty: What stands where there is no patch.

    Returns:
        (rows, columns) or (rows, columns, c). Where two patches share a place, the later counts.
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
    empty: tuple[int, int, int] = EMPTY,
) -> NDArray[np.uint8]:
    """The slide at `cell` pixels a patch, each pixel the mean of what it covers.

    Patches are read in chunks, so `patches` may be a memory map that is larger than memory.

    Args:
        patches: uint8 (N, P, P, 3), RGB.
        x: Left edge of each patch in slide pixels, int (n,).
        y: Upper edge of each patch in slide pixels, int (n,).
        patch_size: Side of a patch on the slide, in slide pixels.
        cell: Side of a patch in the mosaic, in pixels, 1..P.
        rows: Which row of `patches` each position belongs to, int (n,); by default 0..n-1.
        empty: RGB where there is no patch.

    Returns:
        uint8 (rows * cell, columns * cell, 3), RGB. Where two patches share a place, the later
        one covers the other.

    Raises:
        ValueError: There is no patch.
    """
    places = find_places(x, y, patch_size)
    height, width = places.shape
    grid = np.full((height, cell, width, cell, 3), empty, np.uint8)
    order = np.arange(len(x)) if rows is None else np.asarray(rows)
    for start in range(0, len(order), CHUNK):
        part = slice(start, start + CHUNK)
        small = shrink(patches[order[part]], cell)
        # A loop, as NumPy does not say which of two equal indices wins.
        for row, column, tile in zip(places.rows[part], places.columns[part], small, strict=True):
            grid[row, :, column] = tile
    return grid.reshape(height * cell, width * cell, 3)


def shrink(patches: NDArray[np.uint8], cell: int) -> NDArray[np.uint8]:
    """Patches (n, P, P, 3) at (n, cell, cell, 3), by the mean over areas."""
    count, side = patches.shape[:2]
    # One tall image: the border of two patches falls on a border of pixels, so nothing mixes.
    tall = np.ascontiguousarray(patches).reshape(count * side, side, 3)
    small = cv2.resize(tall, (cell, count * cell), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).reshape(count, cell, cell, 3)
