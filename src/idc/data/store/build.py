"""Reading a set: packed by several processes, resumed where it was stopped; or into memory."""

import errno
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.audit.audit import Limits, audit
from idc.data.facts import COLOURS, HASHES, SHARES, fingerprint, measure, pixel_hashes
from idc.data.files import FILE_FACTS
from idc.data.sources.base import Source
from idc.data.store.layout import BUILDING, FORMAT, options
from idc.errors import DataError

CHUNK = 1024  # patches that a process reads at once
FACTS = (*FILE_FACTS, *COLOURS, *SHARES, *HASHES)
ARRAY, PLAN, JOURNAL = "patches.npy", "plan.json", "journal"
Advance = Callable[[int], None]


@dataclass(frozen=True)
class Before:
    """An earlier store, to read only what has changed since."""

    index: pd.DataFrame  # with all facts
    patches: Path  # the file of its patches


@dataclass(frozen=True)
class Task:
    """What the reading processes share."""

    source: Source
    index: pd.DataFrame
    folder: Path
    offset: int
    before: Before | None
    old_rows: NDArray[np.int64]


def pack(
    source: Source,
    index: pd.DataFrame,
    folder: Path,
    before: Before | None,
    workers: int,
    advance: Advance,
) -> tuple[pd.DataFrame, Path, int]:
    """Read every patch of an index into one array on disk, with its facts.

    What was packed when an earlier call for the same files was stopped is checked by its hashes
    and kept.

    Args:
        source: The set.
        index: All of its `scan`.
        folder: The store's folder; the work is done in ``building/`` inside it.
        before: An earlier store of the same options, or None.
        workers: Processes that read.
        advance: Told how many patches are done, again and again.

    Returns:
        The index with facts, the array's file, and how many patches were read from files.
    """
    building = folder / BUILDING
    (building / JOURNAL).mkdir(parents=True, exist_ok=True)
    plan = _plan(source, index)
    if not _same_plan(building, plan):
        shutil.rmtree(building)
        (building / JOURNAL).mkdir(parents=True)
        size = source.patch_size
        empty = np.lib.format.open_memmap(
            building / ARRAY, "w+", np.uint8, (len(index), size, size, 3)
        )
        del empty
        (building / PLAN).write_text(json.dumps(plan), encoding="utf-8")
    array = np.load(building / ARRAY, mmap_mode="r")
    offset = array.offset
    del array
    old_rows = np.full(len(index), -1, np.int64)
    if before is not None:
        old_rows = pd.Index(before.index["path"]).get_indexer(index["path"]).astype(np.int64)
    task = Task(source, index, building, offset, before, old_rows)
    starts = range(0, len(index), CHUNK)
    read = 0
    for done, from_files in _run(task, starts, workers):
        advance(done)
        read += from_files
    with (building / ARRAY).open("rb") as file:
        os.fsync(file.fileno())
    pieces = [pd.read_parquet(_piece(building, start)) for start in starts]
    facts = pd.concat(pieces, ignore_index=True)
    return pd.concat([index.reset_index(drop=True), facts], axis=1), building / ARRAY, read


def _plan(source: Source, index: pd.DataFrame) -> dict[str, object]:
    digest = hashlib.sha256("\n".join(index["path"]).encode()).hexdigest()
    return {"format": FORMAT, "chunk": CHUNK, **options(source), "paths": digest}


def _same_plan(building: Path, plan: dict[str, object]) -> bool:
    try:
        same = json.loads((building / PLAN).read_text(encoding="utf-8")) == plan
        return bool(same and (building / ARRAY).is_file())
    except (OSError, ValueError):
        return False


def _piece(building: Path, start: int) -> Path:
    return building / JOURNAL / f"{start:09d}.parquet"


def _run(task: Task, starts: range, workers: int) -> Iterator[tuple[int, int]]:
    """Patches done, and those read from files, a chunk."""
    if workers <= 1 or len(starts) <= 1:
        _receive(task)
        yield from map(_pack_chunk, starts)
        return
    # OpenCV's threads would be missing in a forked process, which then waits for them for ever.
    cv2.setNumThreads(1)
    # Forked processes start at once and share the index; macOS cannot fork safely.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(workers, context, _receive_alone, (task,)) as pool:
        try:
            yield from pool.map(_pack_chunk, starts)
        except BrokenProcessPool as error:
            raise DataError(
                f"store: a process that packed {task.source.root} was ended from outside: out of "
                f"memory? What is packed is kept; start it again, with a lower store.workers."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


_task: Task | None = None


def _receive(task: Task) -> None:
    global _task
    _task = task


def _receive_alone(task: Task) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that leads ends the others
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _receive(task)


def _end_with_parent() -> None:
    """Nobody else would end this process if the one that leads is killed outright."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _pack_chunk(start: int) -> tuple[int, int]:
    """Pack a chunk: its patches into the array, its facts into the journal."""
    task = _task
    assert task is not None
    part = task.index.iloc[start : start + CHUNK]
    piece, array = _piece(task.folder, start), task.folder / ARRAY
    now = identity(task.source, part["path"])
    if piece.exists() and _kept(piece, array, now, start):
        return len(part), 0
    patches, facts, read = _gather(task, part, start, now)
    with array.open("r+b", buffering=0) as file:
        place = task.offset + start * patches[0].nbytes
        data = patches.tobytes()
        if os.pwrite(file.fileno(), data, place) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(array))
    draft = piece.with_suffix(f".{os.getpid()}.part")
    facts.to_parquet(draft, index=False)
    draft.replace(piece)
    return len(part), read


def _gather(
    task: Task, part: pd.DataFrame, start: int, now: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], pd.DataFrame, int]:
    """A chunk's patches and facts, of the earlier store where the file is as it was then."""
    old = task.old_rows[start : start + len(part)]
    if task.before is not None and (old >= 0).any():
        then = task.before.index[["bytes", "mtime"]].to_numpy(np.int64)[np.maximum(old, 0)]
        old = np.where((then == now).all(axis=1), old, -1)
    fresh, kept = np.flatnonzero(old < 0), np.flatnonzero(old >= 0)
    tables = []
    patches = np.empty((len(part), *[task.source.patch_size] * 2, 3), np.uint8)
    if len(fresh):
        patches[fresh], facts = read_measured(task.source, part.iloc[fresh])
        tables.append(facts.set_axis(fresh))
    if task.before is not None and len(kept):
        patches[kept] = np.load(task.before.patches, mmap_mode="r")[old[kept]]
        tables.append(task.before.index.iloc[old[kept]][list(FACTS)].set_axis(kept))
    return patches, pd.concat(tables).sort_index(), len(fresh)


def read_measured(source: Source, part: pd.DataFrame) -> tuple[NDArray[np.uint8], pd.DataFrame]:
    """Patches of an index, uint8 (n, P, P, 3), and all `FACTS` of each."""
    pixels = source.read(part)
    facts = pixels.facts.reindex(columns=list(FILE_FACTS))  # a set without files lacks some
    return pixels.patches, pd.concat([facts, measure(pixels.patches)], axis=1)


def identity(source: Source, paths: "pd.Series[str]") -> NDArray[np.int64]:
    """Size in bytes and time of the last change in ns, int64 (n, 2); -1 where there is no file."""
    identities = np.full((len(paths), 2), -1, np.int64)
    assert source.root is not None
    for row, path in enumerate(paths):
        try:
            status = os.stat(source.root / source.file_of(path))  # noqa: PTH116 (hundreds of thousands of them)
        except OSError:
            continue
        identities[row] = status.st_size, status.st_mtime_ns
    return identities


def _kept(piece: Path, array: Path, now: NDArray[np.int64], start: int) -> bool:
    """Whether a chunk that was packed before still holds: same files, and its pixels are there."""
    try:
        facts = pd.read_parquet(piece)
    except (OSError, ValueError):  # torn, as by a loss of power
        return False
    if len(facts) != len(now) or not (facts[["bytes", "mtime"]].to_numpy(np.int64) == now).all():
        return False
    patches = np.load(array, mmap_mode="r")[start : start + len(now)]
    return bool((pixel_hashes(patches) == facts["pixels"].to_numpy(np.uint64)).all())


def read_set(
    source: Source, index: pd.DataFrame, limits: Limits, threads: int, advance: Advance
) -> tuple[pd.DataFrame, NDArray[np.uint8], str]:
    """Read, measure and audit every patch of an index.

    Args:
        source: The set.
        index: All of its `scan`.
        limits: Of the audit.
        threads: Chunks read at once; OpenCV decodes side by side.
        advance: Told how many patches are done, again and again.

    Returns:
        The index with facts, ``checks`` and ``duplicate_of``; the patches, uint8 (N, P, P, 3);
        and the fingerprint.
    """
    size = source.patch_size
    patches = np.empty((len(index), size, size, 3), np.uint8)

    def read(start: int) -> pd.DataFrame:
        part = index.iloc[start : start + CHUNK]
        patches[start : start + len(part)], facts = read_measured(source, part)
        advance(len(part))
        return facts

    with ThreadPoolExecutor(threads) as pool:
        facts = pd.concat(pool.map(read, range(0, len(index), CHUNK)), ignore_index=True)
    table = audit(index.reset_index(drop=True).join(facts), patches, limits, source.card.is_h_and_e)
    return table, patches, fingerprint(table)
