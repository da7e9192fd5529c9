"""Image files to patches, with the facts about each file."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.decode import (
    MAX_PIXELS,
    UNKNOWN,
    Edge,
    Reading,
    TooLargeError,
    UnreadableError,
    decode,
    fit_square,
)

VALUES = ("low", "high", "used")
FILE_FACTS = ("width", "height", "mode", "format", "bytes", "mtime", "hash", "problem", *VALUES)
# Of an image in any of the formats, with four channels of 16 bits, and what else a file may hold.
BYTES_PER_PIXEL, MORE_BYTES = 8, 2**24


@dataclass(frozen=True)
class Pixels:
    """The pixels of an index and the facts about the files, row for row.

    Attributes:
        patches: uint8 array (N, P, P, 3), RGB. Rows that could not be read hold zeros.
        facts: ``width`` and ``height`` (int32, pixels, as in the file), ``mode`` (str, such as
            ``8-bit RGB``), ``format`` (str, as Pillow names what the bytes are: ``PNG``,
            ``JPEG``; "" where there is no file), ``bytes`` (int64), ``mtime`` (int64, ns),
            ``hash`` (str, sha256 of the file in hex, "" where there is no file), ``problem``
            (str: why the file could not be decoded, else ""), and ``low``, ``high`` and ``used``
            (float32; see `idc.data.decode.Decoded`).
    """

    patches: NDArray[np.uint8]
    facts: pd.DataFrame


def read_files(
    root: Path,
    paths: Sequence[str],
    patch_size: int,
    edge: Edge,
    max_pixels: int = MAX_PIXELS,
    reading: Reading | None = None,
) -> Pixels:
    """Read image files.

    Args:
        root: The folder that the paths are relative to.
        paths: The files.
        patch_size: Side of the patches to return, in pixels.
        edge: What to do with smaller images; see `fit_square`.
        max_pixels: An image with more is not decoded; a file that is longer than any such image
            is not read.
        reading: How images of more than 8 bits, and files of several, are read.

    Returns:
        The patches, and the facts of each file; a file that cannot be decoded has a ``problem``
        and a patch of zeros.
    """
    patches = np.zeros((len(paths), patch_size, patch_size, 3), np.uint8)
    facts = []
    images = read_images(root, paths, max_pixels, reading)
    for out, (image, fact) in zip(patches, images, strict=True):
        if image is not None:
            out[...] = fit_square(image, patch_size, edge)
        facts.append(fact)
    return Pixels(patches, facts_table(facts))


def facts_table(facts: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """The facts of several files as `Pixels` has them."""
    whole = {"width": "int32", "height": "int32", "bytes": "int64", "mtime": "int64"}
    whole |= dict.fromkeys(VALUES, "float32")
    return pd.DataFrame(facts, columns=list(FILE_FACTS)).astype(whole)


def read_images(
    root: Path,
    paths: Iterable[str],
    max_pixels: int = MAX_PIXELS,
    reading: Reading | None = None,
) -> Iterator[tuple[NDArray[np.uint8] | None, tuple[object, ...]]]:
    """Decode image files one by one, in their own size.

    Returns:
        For each file the image, uint8 (H, W, 3), RGB, or None if it cannot be decoded, and its
        `FILE_FACTS`.
    """
    base = str(root)
    for path in paths:
        width = height = size = mtime = 0
        mode = kind = digest = problem = ""
        image, values = None, UNKNOWN
        try:
            data, mtime = read_whole(f"{base}/{path}", max_pixels * BYTES_PER_PIXEL + MORE_BYTES)
            size, digest = len(data), hashlib.sha256(data).hexdigest()
            decoded = decode(data, max_pixels, reading)
            values = decoded.low, decoded.high, decoded.used
            image, mode, kind = decoded.patch, decoded.mode, decoded.format
            height, width = image.shape[:2]
        except TooLargeError as error:
            problem, width, height = str(error), error.width, error.height
        except UnreadableError as error:
            problem = str(error)
        except OSError as error:
            problem = f"it cannot be opened ({error.strerror})"
        if not digest:
            with suppress(OSError):  # to know it again
                status = os.stat(f"{base}/{path}")  # noqa: PTH116
                size, mtime = status.st_size, status.st_mtime_ns
        yield image, (width, height, mode, kind, size, mtime, digest, problem, *values)


def read_whole(path: str, most: int) -> tuple[bytes, int]:
    """A file's bytes and when it was last changed, in ns since 1970.

    Raises:
        OSError: It cannot be read.
        UnreadableError: It is no ordinary file.
        TooLargeError: It has more than `most` bytes.
    """
    # Without waiting for the other end of a pipe.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb", buffering=0) as file:  # noqa: PTH123 (a Path costs a tenth of it all)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("it is no ordinary file")
        if status.st_size > most:
            raise TooLargeError
        return file.read(), status.st_mtime_ns
