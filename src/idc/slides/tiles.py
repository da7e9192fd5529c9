"""A tiled image pyramid, written tile by tile without holding a level in memory.

A tile of a level is made from four tiles of the level below, recursively down to the tiles that
the source draws; empty tiles are skipped. Each level draws its tiles again, so that memory holds
four tiles per level.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import tifffile
from numpy.typing import NDArray

from idc.errors import DataError, first_line

Tile = NDArray[Any]
MIN_SIDE = 512  # levels are added until the longer side is below this
MAX_CLASSIC = 2**31  # bytes of pixels above which BigTIFF is used


@dataclass(frozen=True)
class PyramidSource:
    """The image of a pyramid.

    Attributes:
        shape: Height and width in pixels.
        tile: Side of a tile in pixels, a multiple of 16.
        occupied: Row and column of the non-empty tiles at full resolution.
        draw_tile: Draws a tile from its row and column: (tile, tile, ...), with the empty value
            outside the image.
        empty: An empty tile.
        content: Summary of the pixels, from which the file's OME UUID is derived.
    """

    shape: tuple[int, int]
    tile: int
    occupied: frozenset[tuple[int, int]]
    draw_tile: Callable[[int, int], Tile]
    empty: Tile
    content: str

    @property
    def levels(self) -> int:
        """Number of levels, including the full resolution."""
        return 1 + next(n for n in range(64) if max(self.shape) >> n < MIN_SIDE)


def write_pyramid_file(
    path: Path, source: PyramidSource, pixel_size: float | None, name: str | None
) -> None:
    """Write a tiled, pyramidal OME-TIFF, compressed with deflate.

    Args:
        path: Output file, ending in ``.ome.tif`` by convention; written atomically.
        source: Image to write.
        pixel_size: Side of a pixel in micrometres, or None.
        name: Name of the image in the OME metadata, or None.

    Raises:
        DataError: The file cannot be written.
    """
    rgb = source.empty.ndim == 3
    metadata: dict[str, Any] = {"axes": "YXS" if rgb else "YX"}
    metadata["UUID"] = str(uuid5(NAMESPACE_URL, f"{source.content} {pixel_size} {name}"))
    if name is not None:
        metadata["Name"] = name
    options: dict[str, Any] = {
        "dtype": source.empty.dtype,
        "tile": (source.tile, source.tile),
        "compression": "zlib",
        "photometric": "rgb" if rgb else "minisblack",
        "predictor": 2 if rgb else None,
    }
    if pixel_size is not None:
        for axis in "XY":
            metadata |= {f"PhysicalSize{axis}": pixel_size, f"PhysicalSize{axis}Unit": "µm"}
        options |= {"resolutionunit": "CENTIMETER"}
    size = np.prod(source.shape) * source.empty[0, 0].nbytes
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with tifffile.TiffWriter(partial, bigtiff=bool(size > MAX_CLASSIC), ome=True) as file:
            for level, data in enumerate(_levels(source)):
                if pixel_size is not None:
                    pixels_per_cm = 1e4 / (pixel_size * 2**level)
                    options["resolution"] = (pixels_per_cm, pixels_per_cm)
                shape = tuple(max(1, side >> level) for side in source.shape)
                level_options: dict[str, Any] = (
                    {"subifds": source.levels - 1, "metadata": metadata}
                    if level == 0
                    else {"subfiletype": 1, "metadata": None}
                )
                file.write(
                    data, shape=(*shape, *source.empty.shape[2:]), **level_options, **options
                )
        partial.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {first_line(error)}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _levels(source: PyramidSource) -> Iterator[Iterator[bytes]]:
    """Compressed tiles of each level, in the order of the file."""
    occupied = [source.occupied]
    empty_tile = _compress(source.empty)

    def make(level: int, row: int, column: int) -> Tile | None:
        if (row, column) not in occupied[level]:
            return None
        if level == 0:
            return source.draw_tile(row, column)
        side = source.tile
        four = np.tile(source.empty, (2, 2) + (1,) * (source.empty.ndim - 2))
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
            quarter = make(level - 1, 2 * row + i, 2 * column + j)
            if quarter is not None:
                four[i * side : (i + 1) * side, j * side : (j + 1) * side] = quarter
        return _halve(four)

    def tiles(level: int) -> Iterator[bytes]:
        rows, columns = (-(-max(1, n >> level) // source.tile) for n in source.shape)
        for row in range(rows):
            for column in range(columns):
                tile_at = make(level, row, column)
                yield empty_tile if tile_at is None else _compress(tile_at)

    for level in range(source.levels):
        if level:
            occupied.append(frozenset((i // 2, j // 2) for i, j in occupied[-1]))
        yield tiles(level)


def _halve(values: Tile) -> Tile:
    """Mean of each two by two pixels; in float maps, of those that are not NaN."""
    four = [values[i::2, j::2] for i in (0, 1) for j in (0, 1)]
    if values.dtype == np.uint8:
        total = np.sum(four, axis=0, dtype=np.uint16)
        return np.asarray((total + 2) // 4, np.uint8)
    finite = [np.isfinite(part) for part in four]
    sums = np.sum([np.where(t, part, 0) for t, part in zip(finite, four, strict=True)], axis=0)
    counts = np.sum(finite, axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(values.dtype)


def _compress(tile: Tile) -> bytes:
    """Deflate a tile; for RGB the differences of neighbouring pixels (TIFF predictor 2)."""
    if tile.ndim == 3:
        tile = np.diff(tile, axis=1, prepend=np.zeros_like(tile[:, :1]))
    return zlib.compress(np.ascontiguousarray(tile).tobytes(), 6)
