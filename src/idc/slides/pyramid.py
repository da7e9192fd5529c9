"""Slides and maps of slides as pyramidal OME-TIFF for viewers (QuPath, napari, OMERO).

Pixels of the file are slide pixels, and its upper left corner is the slide's (0, 0), so that the
GeoJSON of `idc.slides.geojson` is aligned with it. Where there is no patch the file is white, like
glass, or NaN in a map. The levels lie in temporary files until tifffile has written them, so that
memory holds a strip of them, whatever the slide's size.
"""

import math
import os
import tempfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from idc.errors import DataError, first_line

GLASS = (255, 255, 255)
MIN_SIDE = 512  # levels are added until the longer side is below this
MAX_CLASSIC = 2**31  # bytes of pixels above which BigTIFF is used
STRIP = 16  # rows in memory at once
Shape = tuple[int, int]
Image = NDArray[Any]


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
        empty: RGB where there is no patch. Where two patches overlap, the later one is shown.
        tile: Side of a tile in pixels, a multiple of 16.

    Raises:
        DataError: There is no patch, one lies outside the slide, or the file cannot be written.
    """
    if not len(x):
        raise DataError("pyramid: there are no patches to write.")
    corner, end = (int(y.min()), int(x.min())), (int(y.max()), int(x.max()))
    size = _checked(corner, (end[0] + patch_size, end[1] + patch_size), shape)
    with ExitStack() as stack:
        image = _canvas((*size, 3), np.array(empty, np.uint8), stack)
        for row, left, top in zip(rows, x, y, strict=True):
            image[top : top + patch_size, left : left + patch_size] = _resize(
                patches[row], patch_size
            )
        _write(path, image, pixel_size, name, tile, stack)


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
    tall, wide = (math.ceil(n * scale - 1e-6) for n in values.shape)
    size = _checked((top, left), (top + tall, left + wide), shape)
    row, column = (
        np.minimum(((np.arange(n) + 0.5) / scale).astype(np.int64), count - 1)
        for n, count in zip((tall, wide), values.shape, strict=True)
    )
    with ExitStack() as stack:
        image = _canvas(size, np.array(np.nan, np.float32), stack)
        for start in range(0, tall, STRIP):
            strip = values[row[start : start + STRIP, None], column]
            image[top + start : top + start + len(strip), left : left + wide] = strip
        _write(path, image, pixel_size, name, tile, stack)


def _checked(corner: Shape, end: Shape, shape: Shape | None) -> Shape:
    """Height and width of the slide, which must hold what lies between two corners."""
    size = shape or end
    if min(corner) < 0 or end[0] > size[0] or end[1] > size[1]:
        raise DataError(
            f"pyramid: patches lie outside the slide of {size[0]} x {size[1]} px (from "
            f"x {corner[1]}, y {corner[0]} to x {end[1]}, y {end[0]})."
        )
    return size


def _canvas(shape: tuple[int, ...], empty: Image, stack: ExitStack) -> Image:
    """An image on disk, filled with the empty value; written, as a sparse file may not fit."""
    file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
    line = np.broadcast_to(empty, shape[1:]).tobytes()
    for _ in range(shape[0]):
        file.write(line)
    file.flush()
    return np.memmap(file, empty.dtype, "r+", shape=shape)


def _write(
    path: Path,
    image: Image,
    pixel_size: float | None,
    name: str | None,
    tile: int,
    stack: ExitStack,
) -> None:
    """Write an image with its lower resolutions as a tiled OME-TIFF, compressed with deflate."""
    levels = 1 + next(n for n in range(64) if max(image.shape[:2]) >> n < MIN_SIDE)
    rgb, checksum = image.ndim == 3, 0
    for start in range(0, len(image), STRIP):
        checksum = zlib.crc32(image[start : start + STRIP].tobytes(), checksum)
    content = f"{image.shape} {checksum} {pixel_size} {name}"
    metadata: dict[str, Any] = {"axes": "YXS" if rgb else "YX", "Name": name}
    metadata["UUID"] = str(uuid5(NAMESPACE_URL, content))
    options: dict[str, Any] = {"tile": (tile, tile), "compression": "zlib"}
    options |= {"photometric": "rgb", "predictor": 2} if rgb else {"photometric": "minisblack"}
    if pixel_size is not None:
        for axis in "XY":
            metadata |= {f"PhysicalSize{axis}": pixel_size, f"PhysicalSize{axis}Unit": "µm"}
        options["resolutionunit"] = "CENTIMETER"
    if name is None:
        del metadata["Name"]
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with tifffile.TiffWriter(partial, bigtiff=image.nbytes > MAX_CLASSIC, ome=True) as file:
            for level in range(levels):
                if pixel_size is not None:
                    options["resolution"] = (1e4 / (pixel_size * 2**level),) * 2
                if level == 0:
                    file.write(image, subifds=levels - 1, metadata=metadata, **options)
                else:
                    image = _halved(image, stack)
                    file.write(image, subfiletype=1, metadata=None, **options)
        partial.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {first_line(error)}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _halved(image: Image, stack: ExitStack) -> Image:
    """Mean of each two by two pixels; in float maps, of those that are not NaN."""
    height, width = (max(1, n // 2) for n in image.shape[:2])
    half = _canvas((height, width, *image.shape[2:]), np.zeros((), image.dtype), stack)
    for start in range(0, height, STRIP):
        strip = image[2 * start : 2 * min(start + STRIP, height), : 2 * width]
        four = np.stack([strip[i::2, j::2] for i in (0, 1) for j in (0, 1)]).astype(np.float32)
        there = np.isfinite(four)
        with np.errstate(invalid="ignore"):  # 0 / 0 where there is no patch
            mean = np.where(there, four, 0).sum(0) / there.sum(0)
        half[start : start + len(mean)] = np.rint(mean) if image.dtype == np.uint8 else mean
    return half


def _resize(patch: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    if patch.shape[0] == side:
        return patch
    method = cv2.INTER_AREA if side < patch.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(patch, (side, side), interpolation=method), np.uint8)
