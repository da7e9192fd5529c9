"""Slides and maps of slides as pyramidal OME-TIFF for viewers (QuPath, napari, OMERO).

Pixels of the file are slide pixels, and its upper left corner is the slide's (0, 0), so that the
GeoJSON of `idc.slides.geojson` is aligned with it. Where there is no patch the file is white, like
glass, or NaN in a map.
"""

import math
import zlib
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from idc.errors import DataError
from idc.slides.tiles import PyramidSource, write_pyramid_file

GLASS = (255, 255, 255)
CHUNK = 256  # patches in memory at once
Shape = tuple[int, int]


def write_pyramid(
    path: Path,
    patches: NDArray[np.uint8],
    rows: NDArray[np.integer],
    x: NDArray[np.integer],
    y: NDArray[np.integer],
    patch_size: int,
    *,
    shape: Shape | None = None,
    pixel_size: float | None = None,
    name: str | None = None,
    empty: tuple[int, int, int] = GLASS,
    tile: int = 256,
) -> None:
    """Write the mosaic of a slide at full resolution, RGB, 8 bit.

    Memory holds a few tiles and the patches of one tile, whatever the slide's size.

    Args:
        path: Output file, ending in ``.ome.tif`` by convention.
        patches: uint8 (N, P, P, 3), RGB; may be a memory map.
        rows: Row of `patches` at each position, int (n,), n > 0.
        x: Left edge of each patch in slide pixels, int (n,), >= 0.
        y: Upper edge of each patch in slide pixels, int (n,), >= 0.
        patch_size: Side of a patch in slide pixels; if it is not P, patches are resized.
        shape: Height and width of the slide; by default up to the last patch.
        pixel_size: Side of a slide pixel in micrometres, or None.
        name: Name of the image in the file, or None.
        empty: RGB where there is no patch.
        tile: Side of a tile in pixels, a multiple of 16.

    Raises:
        DataError: There is no patch, one lies outside the slide, or the file cannot be written.
    """
    left, top = np.asarray(x, np.int64), np.asarray(y, np.int64)
    height, width = _shape(left, top, patch_size, shape)
    overlapping = _by_tile(left, top, patch_size, tile)
    blank = np.full((tile, tile, 3), empty, np.uint8)

    def draw_tile(row: int, column: int) -> NDArray[np.uint8]:
        canvas = blank.copy()
        # In order: if two patches overlap, the later one covers the other.
        for i in overlapping[row, column]:
            patch = _resize(patches[rows[i]], patch_size)
            _paste(canvas, patch, int(top[i]) - row * tile, int(left[i]) - column * tile)
        return canvas

    content = f"{height}x{width} {patch_size} {empty} {_checksum(patches, rows, left, top)}"
    source = PyramidSource((height, width), tile, frozenset(overlapping), draw_tile, blank, content)
    write_pyramid_file(path, source, pixel_size, name)


def write_map_pyramid(
    path: Path,
    values: NDArray[np.floating],
    left: int,
    top: int,
    scale: float,
    *,
    shape: Shape | None = None,
    pixel_size: float | None = None,
    name: str | None = None,
    tile: int = 256,
) -> None:
    """Write a map of a slide (probabilities, a stitched attribution) at the slide's resolution.

    Each slide pixel has the value of the map's pixel that contains it, without interpolation.

    Args:
        path: Output file, ending in ``.ome.tif`` by convention.
        values: float (h, w), NaN where there is no patch; written as float32. From
            `idc.slides.stitch.stitch`, or one value per place of the patches' grid.
        left: Slide x of the map's left edge, >= 0.
        top: Slide y of the map's upper edge, >= 0.
        scale: Slide pixels per map pixel: a `Stitched`'s, or for a grid of patches the patch size.
        shape: Height and width of the slide; by default up to the end of the map.
        pixel_size: Side of a slide pixel in micrometres, or None.
        name: Name of the image in the file, or None.
        tile: Side of a tile in pixels, a multiple of 16.

    Raises:
        DataError: The map is empty or lies outside the slide, or the file cannot be written.
    """
    if not values.size:
        raise DataError("pyramid: the map is empty.")
    size = tuple(math.ceil(n * scale - 1e-6) for n in values.shape)
    height, width = shape or (top + size[0], left + size[1])
    if min(left, top) < 0 or top + size[0] > height or left + size[1] > width:
        raise DataError(f"pyramid: the map lies outside the slide of {height} x {width} px.")
    blank = np.full((tile, tile), np.nan, np.float32)

    def span(number: int, first: int, count: int) -> tuple[slice, NDArray[np.int64]]:
        """Part of a tile that the map covers, and the map's pixels there."""
        middle = (np.arange(number * tile, (number + 1) * tile) + 0.5 - first) / scale
        index = np.floor(middle).astype(np.int64)
        inside = np.flatnonzero((index >= 0) & (index < count))
        if not len(inside):
            return slice(0, 0), index[:0]
        return slice(inside[0], inside[-1] + 1), index[inside]

    def draw_tile(row: int, column: int) -> NDArray[np.float32]:
        canvas = blank.copy()
        into_rows, from_rows = span(row, top, values.shape[0])
        into_columns, from_columns = span(column, left, values.shape[1])
        canvas[into_rows, into_columns] = values[np.ix_(from_rows, from_columns)]
        return canvas

    across = [span(j, left, values.shape[1])[1] for j in range(-(-width // tile))]
    occupied = set()
    for i in range(-(-height // tile)):
        down = span(i, top, values.shape[0])[1]
        if len(down):
            has_value = np.isfinite(values[down[0] : down[-1] + 1]).any(0)
            occupied |= {(i, j) for j, part in enumerate(across) if has_value[part].any()}
    checksum = zlib.crc32(np.ascontiguousarray(values, np.float32).tobytes())
    content = f"{height}x{width} {left} {top} {scale} {checksum}"
    source = PyramidSource((height, width), tile, frozenset(occupied), draw_tile, blank, content)
    write_pyramid_file(path, source, pixel_size, name)


def _shape(
    left: NDArray[np.int64], top: NDArray[np.int64], patch_size: int, shape: Shape | None
) -> Shape:
    if not len(left):
        raise DataError("pyramid: there are no patches to write.")
    end = (int(top.max()) + patch_size, int(left.max()) + patch_size)
    height, width = shape or end
    if min(int(left.min()), int(top.min())) < 0 or end[0] > height or end[1] > width:
        raise DataError(
            f"pyramid: patches lie outside the slide of {height} x {width} px (from "
            f"x {left.min()}, y {top.min()} to x {end[1]}, y {end[0]})."
        )
    return height, width


def _by_tile(
    left: NDArray[np.int64], top: NDArray[np.int64], patch_size: int, tile: int
) -> dict[tuple[int, int], list[int]]:
    """Patches that overlap each tile."""
    patches: dict[tuple[int, int], list[int]] = defaultdict(list)
    edges = (top // tile, (top + patch_size - 1) // tile + 1)
    sides = (left // tile, (left + patch_size - 1) // tile + 1)
    for i, (r0, r1, c0, c1) in enumerate(np.stack([*edges, *sides], 1).tolist()):
        for row in range(r0, r1):
            for column in range(c0, c1):
                patches[row, column].append(i)
    return dict(patches)


def _paste(canvas: NDArray[np.uint8], patch: NDArray[np.uint8], row: int, column: int) -> None:
    """Paste a patch into a tile, clipped at the tile's edges."""
    height, width = patch.shape[:2]
    r0, c0 = max(row, 0), max(column, 0)
    r1, c1 = min(row + height, canvas.shape[0]), min(column + width, canvas.shape[1])
    canvas[r0:r1, c0:c1] = patch[r0 - row : r1 - row, c0 - column : c1 - column]


def _resize(patch: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    if patch.shape[0] == side:
        return patch
    method = cv2.INTER_AREA if side < patch.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(patch, (side, side), interpolation=method), np.uint8)


def _checksum(
    patches: NDArray[np.uint8],
    rows: NDArray[np.integer],
    left: NDArray[np.int64],
    top: NDArray[np.int64],
) -> int:
    checksum = zlib.crc32(np.stack([left, top]).tobytes())
    for start in range(0, len(rows), CHUNK):
        chosen = np.asarray(rows[start : start + CHUNK])
        checksum = zlib.crc32(np.ascontiguousarray(patches[chosen]).tobytes(), checksum)
    return checksum
