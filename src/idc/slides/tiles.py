"""A tiled pyramid, written tile by tile: no level is ever in memory as a whole.

A tile of a level is made from the four below it, down to those that a painter makes. Where nothing
lies, nothing is painted. So each level paints anew, and memory stays at four tiles a level.
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
SMALLEST = 512  # levels are added until the longer side is below this
CLASSIC = 2**31  # bytes of pixels above which 64-bit offsets are used


@dataclass(frozen=True)
class PyramidSource:
    """What a pyramid shows.

    Attributes:
        shape: Height and width in pixels.
        tile: Side of a tile in pixels, a multiple of 16.
        occupied: Row and column of the tiles, at full resolution, in which something lies.
        paint: Makes a tile from its row and column: (tile, tile, ...), with the empty value
            beyond the picture.
        empty: A whole tile in which nothing lies.
        content: Follows from the pixels; the file's OME UUID is made of it.
    """

    shape: tuple[int, int]
    tile: int
    occupied: frozenset[tuple[int, int]]
    paint: Callable[[int, int], Tile]
    empty: Tile
    content: str

    @property
    def levels(self) -> int:
        """Number of levels, the full resolution among them."""
        return 1 + next(n for n in range(64) if max(self.shape) >> n < SMALLEST)


def write_pyramid_file(
    path: Path, picture: PyramidSource, pixel_size: float | None, name: str | None
) -> None:
    """Write a picture as a tiled, pyramidal OME-TIFF, compressed with deflate.

    Args:
        path: The file, by custom ``.ome.tif``; it appears when it is whole.
        picture: What to write.
        pixel_size: Side of a pixel in micrometres, or None.
        name: The image's name in the OME metadata, or None.

    Raises:
        DataError: The file cannot be written.
    """
    rgb = picture.empty.ndim == 3
    metadata: dict[str, Any] = {"axes": "YXS" if rgb else "YX"}
    metadata["UUID"] = str(uuid5(NAMESPACE_URL, f"{picture.content} {pixel_size} {name}"))
    if name is not None:
        metadata["Name"] = name
    options: dict[str, Any] = {
        "dtype": picture.empty.dtype,
        "tile": (picture.tile, picture.tile),
        "compression": "zlib",
        "photometric": "rgb" if rgb else "minisblack",
        "predictor": 2 if rgb else None,
    }
    if pixel_size is not None:
        for axis in "XY":
            metadata |= {f"PhysicalSize{axis}": pixel_size, f"PhysicalSize{axis}Unit": "µm"}
        options |= {"resolutionunit": "CENTIMETER"}
    size = np.prod(picture.shape) * picture.empty[0, 0].nbytes
    half = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with tifffile.TiffWriter(half, bigtiff=bool(size > CLASSIC), ome=True) as file:
            for level, data in enumerate(_levels(picture)):
                if pixel_size is not None:
                    dots = 1e4 / (pixel_size * 2**level)
                    options["resolution"] = (dots, dots)
                shape = tuple(max(1, side >> level) for side in picture.shape)
                extra: dict[str, Any] = (
                    {"subifds": picture.levels - 1, "metadata": metadata}
                    if level == 0
                    else {"subfiletype": 1, "metadata": None}
                )
                file.write(data, shape=(*shape, *picture.empty.shape[2:]), **extra, **options)
        half.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {first_line(error)}.") from error
    finally:
        half.unlink(missing_ok=True)


def _levels(picture: PyramidSource) -> Iterator[Iterator[bytes]]:
    """The compressed tiles of each level, in the file's order."""
    occupied = [picture.occupied]
    nothing = _compress(picture.empty)

    def make(level: int, row: int, column: int) -> Tile | None:
        if (row, column) not in occupied[level]:
            return None
        if level == 0:
            return picture.paint(row, column)
        side = picture.tile
        four = np.tile(picture.empty, (2, 2) + (1,) * (picture.empty.ndim - 2))
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
            quarter = make(level - 1, 2 * row + i, 2 * column + j)
            if quarter is not None:
                four[i * side : (i + 1) * side, j * side : (j + 1) * side] = quarter
        return _halve(four)

    def tiles(level: int) -> Iterator[bytes]:
        rows, columns = (-(-max(1, n >> level) // picture.tile) for n in picture.shape)
        for row in range(rows):
            for column in range(columns):
                made = make(level, row, column)
                yield nothing if made is None else _compress(made)

    for level in range(picture.levels):
        if level:
            occupied.append(frozenset((i // 2, j // 2) for i, j in occupied[-1]))
        yield tiles(level)


def _halve(values: Tile) -> Tile:
    """The mean of each two by two pixels; in float maps, of those that are not NaN."""
    four = [values[i::2, j::2] for i in (0, 1) for j in (0, 1)]
    if values.dtype == np.uint8:
        total = np.sum(four, axis=0, dtype=np.uint16)
        return np.asarray((total + 2) // 4, np.uint8)
    there = [np.isfinite(part) for part in four]
    sums = np.sum([np.where(t, part, 0) for t, part in zip(there, four, strict=True)], axis=0)
    counts = np.sum(there, axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(values.dtype)


def _compress(tile: Tile) -> bytes:
    """Deflate; of RGB the differences from pixel to pixel (TIFF's predictor 2)."""
    if tile.ndim == 3:
        tile = np.diff(tile, axis=1, prepend=np.zeros_like(tile[:, :1]))
    return zlib.compress(np.ascontiguousarray(tile).tobytes(), 6)
