"""Opening a store, and making it when it is not there or its source has changed."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from pyarrow.parquet import read_schema  # type: ignore[import-untyped]

from idc.data.audit.audit import Limits, audit
from idc.data.facts import COLOURS, HASHES, SHARES, fingerprint, pixel_hashes
from idc.data.index import INDEX
from idc.data.sources.base import Scan, Source
from idc.data.sources.tree import NotRead
from idc.data.store.build import FACTS, Advance, Before, identity, pack
from idc.data.store.layout import (
    BUILDING,
    LOCK,
    Description,
    options,
    read_description,
    store_folder,
    unchanged,
    write_description,
)
from idc.errors import DataError, first_line

log = logging.getLogger(__name__)
ATTEMPTS = 5
SAMPLE = 64  # patches whose pixels are checked at each opening
# What a run needs of the index; the facts of the files stay on the disk.
COLUMNS = (*INDEX, "problem", "duplicate_of", *HASHES, *COLOURS, *SHARES)
Progress = Callable[[int, str], AbstractContextManager[Advance]]


@dataclass(frozen=True)
class Stored:
    """A set with all its findings, before anything is decided.

    Attributes:
        index: One row per patch, with the columns that were requested.
        patches: uint8 (N, P, P, 3); of a packed set mapped from the disk, read-only:
            processes share its memory.
        fingerprint: The data's identity.
        folder: The store's folder; None for a set in memory.
        read: How many files were read to make it; 0 if it was there.
        not_read: What the index has no row for; see `idc.data.sources.base.Scan`.
        ignored: What was left out on purpose to how many files.
    """

    index: pd.DataFrame
    patches: NDArray[np.uint8]
    fingerprint: str
    folder: Path | None
    read: int = 0
    not_read: tuple[NotRead, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)


def open_current(
    source: Source, stores: Path, limits: Limits, columns: Sequence[str] | None = COLUMNS
) -> Stored | None:
    """Open a source's store if there is one and no folder of the source has changed since.

    Args:
        source: The set.
        stores: The folder that holds all stores.
        limits: Of the audit; a store with others is not current.
        columns: Columns of the index to read; None for all.

    Returns:
        The store; None if there is none that is current.

    Raises:
        DataError: The store is damaged.
    """
    if source.root is None:
        return None
    folder = store_folder(stores, source)
    for _ in range(ATTEMPTS):
        described = read_description(folder)
        if described is None or described.limits != limits:
            return None
        if not unchanged(source.root, described.directories):
            log.info("store: %s has changed since it was packed", source.root)
            return None
        try:
            return _open(folder, described, columns)
        except DataError:
            if read_description(folder) == described:
                raise
            # It was replaced in between: look again.
    return None


def build_store(
    source: Source,
    stores: Path,
    limits: Limits,
    workers: int,
    progress: Progress,
    check: Callable[[Scan], object] = lambda scan: None,
    every_file: bool = False,
) -> Stored:
    """Make a source's store, or bring it up to date: only new or changed files are read.

    Processes that ask for the same store at once wait for the one that makes it.

    Args:
        source: The set; it has a root.
        stores: The folder that holds all stores.
        limits: Of the audit.
        workers: Processes that read.
        progress: Shows progress: from a number of patches and words to a context that gives a
            function that takes how many more are done.
        check: Looks at what was listed before any file is read, and may raise.
        every_file: Look at each file for changes even if no folder has changed.

    Returns:
        The store, its index with all columns.

    Raises:
        DataError: There is nothing to read, or the folder cannot be written.
    """
    folder = store_folder(stores, source)
    lock = FileLock(folder / LOCK)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held = lock.acquire(timeout=1)
        except Timeout:
            log.info("store: waiting for another process that packs %s", source.root)
            held = lock.acquire()
    with held:
        current = None if every_file else open_current(source, stores, limits, None)
        return current or _build(source, folder, limits, workers, progress, check)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"store: cannot write {error.filename or folder} ({error.strerror or error}). Set "
            f"paths.stores to a folder that can be written and has room (8 kB a patch of 50x50), "
            f"or store.use=false."
        ) from error


def _build(
    source: Source,
    folder: Path,
    limits: Limits,
    workers: int,
    progress: Progress,
    check: Callable[[Scan], object],
) -> Stored:
    scan = source.scan()
    check(scan)
    index = scan.index
    described = read_description(folder)
    before = None
    if described is not None:
        before = Before(_open(folder, described, None).index, folder / described.patches)
    with _writing(folder):
        if before is not None and _same_files(source, index, before):
            facts = before.index[list(FACTS)].reset_index(drop=True)
            table, array, read = index.join(facts), before.patches, 0
        else:
            with progress(len(index), f"packing {source.name}") as advance:
                table, array, read = pack(source, index, folder, before, workers, advance)
        pixels = np.load(array, mmap_mode="r")
        table = audit(table, pixels, limits, source.card.is_h_and_e)
        return _publish(source, folder, table, array, limits, scan, read)


def _same_files(source: Source, index: pd.DataFrame, before: Before) -> bool:
    """Whether every file is the one that the earlier store holds: then no patch has to move."""
    paths = index["path"]
    if len(paths) != len(before.index) or not (paths.array == before.index["path"].array).all():
        return False
    then = before.index[["bytes", "mtime"]].to_numpy(np.int64)
    return bool((identity(source, paths) == then).all())


def _publish(
    source: Source,
    folder: Path,
    table: pd.DataFrame,
    array: Path,
    limits: Limits,
    scan: Scan,
    read: int,
) -> Stored:
    mark = fingerprint(table)
    tag = f"{mark}-{os.urandom(3).hex()}"
    described = Description(
        patches=array.name if array.parent == folder else f"patches-{tag}.npy",
        index=f"index-{tag}.parquet",
        index_bytes=0,
        count=len(table),
        patch_size=source.patch_size,
        fingerprint=mark,
        limits=dict(limits),
        directories=dict(scan.folders),
        not_read=scan.not_read,
        ignored=dict(scan.ignored),
        source=options(source),
    )
    path = folder / described.index
    table.to_parquet(path, index=False)
    array.replace(folder / described.patches)
    write_description(folder, replace(described, index_bytes=path.stat().st_size))
    shutil.rmtree(folder / BUILDING, ignore_errors=True)
    log.info("store: %d patches in %s (%d files read)", len(table), folder, read)
    patches = np.load(folder / described.patches, mmap_mode="r")
    return Stored(table, patches, mark, folder, read, scan.not_read, scan.ignored)


def _open(folder: Path, described: Description, columns: Sequence[str] | None) -> Stored:
    """Open what a description names, and see that it is whole."""
    path, array = folder / described.index, folder / described.patches
    try:
        present = read_schema(path).names
        selected = None if columns is None else [name for name in columns if name in present]
        index = pd.read_parquet(path, columns=selected)
        patches = np.load(array, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise _damaged(folder, first_line(error)) from error
    shape = (described.count, described.patch_size, described.patch_size, 3)
    if path.stat().st_size != described.index_bytes or len(index) != described.count:
        raise _damaged(folder, f"{path.name} is not the file that was written")
    if patches.shape != shape or patches.dtype != np.uint8:
        raise _damaged(folder, f"{array.name} is not the array that was written")

    stored = Stored(
        index,
        patches,
        described.fingerprint,
        folder,
        not_read=described.not_read,
        ignored=described.ignored,
    )
    rows = np.unique(np.linspace(0, described.count - 1, SAMPLE).astype(np.int64))
    if selected is None or "pixels" in selected:
        verify(stored, rows)
    return stored


def verify(stored: Stored, rows: NDArray[np.int64] | None = None) -> None:
    """See that patches are those that the index describes.

    Args:
        stored: A store, opened with ``pixels``.
        rows: Rows to check, or None for all.

    Raises:
        DataError: The pixels of a row are others.
    """
    rows = np.arange(len(stored.index)) if rows is None else rows
    expected = stored.index["pixels"].to_numpy(np.uint64)
    for start in range(0, len(rows), SAMPLE):
        part = rows[start : start + SAMPLE]
        wrong = part[pixel_hashes(stored.patches[part]) != expected[part]]
        if len(wrong):
            path = stored.index["path"].iloc[int(wrong[0])]
            raise _damaged(stored.folder, f"the pixels of {path} are not those that were packed")


def _damaged(folder: Path | None, why: str) -> DataError:
    return DataError(
        f"store: {folder} is damaged: {why}. Remove the folder; it is built anew from the patches."
    )
