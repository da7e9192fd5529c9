"""Image files to patches, with what is known of each file."""

import hashlib
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from idc.data.decode import (
    MAX_PIXELS,
    Edge,
    TooLargeError,
    UnreadableError,
    decode,
    fit_square,
)
from idc.data.sources.base import FILE_FACTS, Pixels

# Of an image in any of the formats, with four channels of 16 bits, and what else a file may hold.
BYTES_PER_PIXEL, MORE_BYTES = 8, 2**24


def read_files(
    root: Path,
    paths: Sequence[str],
    patch_size: int,
    edge: Edge,
    max_pixels: int = MAX_PIXELS,
) -> Pixels:
    """Read image files.

    Args:
        root: The folder that the paths are relative to.
        paths: The files.
        patch_size: Side of the patches to return, in pixels.
        edge: What to do with smaller images; see `fit_square`.
        max_pixels: An image with more is not decoded; a file that is longer than any such image
            is not read.

    Returns:
        The patches, and the facts of each file; a file that cannot be decoded has a ``problem``
        and a patch of zeros.
    """
    patches = np.zeros((len(paths), patch_size, patch_size, 3), np.uint8)
    rows, base = [], str(root)
    for path, out in zip(paths, patches, strict=True):
        width = height = size = mtime = 0
        mode = kind = digest = problem = ""
        try:
            data, mtime = read_whole(f"{base}/{path}", max_pixels * BYTES_PER_PIXEL + MORE_BYTES)
            size, digest = len(data), hashlib.sha256(data).hexdigest()
            decoded = decode(data, max_pixels)
            height, width = decoded.patch.shape[:2]
            mode, kind = decoded.mode, decoded.format
            out[...] = fit_square(decoded.patch, patch_size, edge)
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
        rows.append((width, height, mode, kind, size, mtime, digest, problem))
    facts = pd.DataFrame(rows, columns=list(FILE_FACTS))
    whole = {"width": "int32", "height": "int32", "bytes": "int64", "mtime": "int64"}
    return Pixels(patches, facts.astype(whole))


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
