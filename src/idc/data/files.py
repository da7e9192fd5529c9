"""Image files to patches, with what is known of each file."""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from idc.data.decode import Edge, UnreadableError, decode, fit_square
from idc.data.sources.base import FILE_FACTS, Pixels


def read_files(root: Path, paths: Sequence[str], patch_size: int, edge: Edge) -> Pixels:
    """Read image files.

    Args:
        root: The folder that the paths are relative to.
        paths: The files.
        patch_size: Side of the patches to return, in pixels.
        edge: What to do with smaller images; see `fit_square`.

    Returns:
        The patches, and the facts of each file; a file that cannot be decoded has a ``problem``
        and a patch of zeros.
    """
    patches = np.zeros((len(paths), patch_size, patch_size, 3), np.uint8)
    rows, base = [], str(root)
    for path, out in zip(paths, patches, strict=True):
        width = height = size = mtime = 0
        mode = digest = problem = ""
        try:
            data, mtime = read_whole(f"{base}/{path}")
            size, digest = len(data), hashlib.sha256(data).hexdigest()
            decoded = decode(data)
            height, width = decoded.patch.shape[:2]
            mode = decoded.mode
            out[...] = fit_square(decoded.patch, patch_size, edge)
        except OSError as error:
            with suppress(OSError):  # to know it again
                status = os.stat(f"{base}/{path}")  # noqa: PTH116
                size, mtime = status.st_size, status.st_mtime_ns
            problem = f"it cannot be opened ({error.strerror})"
        except UnreadableError as error:
            problem = str(error)
        rows.append((width, height, mode, size, mtime, digest, problem))
    facts = pd.DataFrame(rows, columns=list(FILE_FACTS))
    whole = {"width": "int32", "height": "int32", "bytes": "int64", "mtime": "int64"}
    return Pixels(patches, facts.astype(whole))


def read_whole(path: str) -> tuple[bytes, int]:
    """A file's bytes and when it was last changed, in ns since 1970.

    Raises:
        OSError: It cannot be read.
    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (a Path costs a tenth of it all)
        status = os.fstat(file.fileno())
        return file.read(), status.st_mtime_ns
