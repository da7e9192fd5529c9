"""Atomic file writes: into a temporary file in the same folder, which is then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part-"  # a prefix, as some libraries infer the format from the suffix


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, which replaces `path` when the block succeeds.

    At any time `path` holds either the old content or all of the new, which is synced to disk
    before it is renamed. A block that fails leaves nothing behind; a process that is killed leaves
    a temporary file, which the next write of the same file replaces.

    Args:
        path: The file; its folder is created if necessary. Only one process may write it at a time.

    Raises:
        OSError: The disk is full or cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{PART}{path.name}")
    try:
        yield part
        sync(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 atomically; see `replacing`."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def sync(path: Path) -> None:
    """Sync a file, or a folder's list of names, to disk, so that a crash cannot lose it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
