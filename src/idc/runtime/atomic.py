"""Files that are whole or not there: written beside their place, then put into it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part-"  # before the name, so that libraries that go by the suffix see the right one


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` when the block ends well.

    Whatever happens, `path` holds all of the old content or all of the new: the new one is on the
    disk before it is renamed. A block that fails leaves nothing behind; a process that is killed
    leaves a part, which the next one to write the same file replaces.

    Args:
        path: The file; its folder is made if it is not there. One process writes it at a time.

    Raises:
        OSError: The disk is full, or cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{PART}{path.name}")
    try:
        yield part
        _sync(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; see `replacing`."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
