"""Telling running runs from dead ones: by a lock on this machine, by a heartbeat elsewhere."""

import hashlib
import logging
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mlflow.exceptions import MlflowException

from idc.errors import BusyError, IdcError
from idc.runtime.locks import FOLDER, Holder, hold, holder, last_holder
from idc.tracking.entities import RunRecord
from idc.tracking.run_protocol import Run

log = logging.getLogger(__name__)
HEARTBEAT_TAG = "idc.heartbeat"  # seconds since 1970, and a digest of the folder of locks
INTERVAL = 60.0  # seconds between two beats
LATE = 600.0  # seconds without a beat after which a process counts as dead
UNMARKED = 86_400.0  # the same for a run without heartbeat, from an older version


def lock_file(mlruns: Path, run_id: str) -> Path:
    """Path of a run's lock, named by its id, as each resume has its own output folder."""
    return mlruns / FOLDER / f"{run_id}.lock"


@contextmanager
def locked(mlruns: Path, run_id: str | None, what: str) -> Iterator[Holder | None]:
    """Lock a run against other processes on this machine inside the ``with`` block.

    Args:
        mlruns: ``paths.mlruns``.
        run_id: The run, or None if it is not tracked.
        what: Name of the run in the error message.

    Yields:
        The process that was killed while it worked on the run, or None.

    Raises:
        BusyError: Another process is using the run.
    """
    if run_id is None:
        yield None
        return
    with hold(lock_file(mlruns, run_id), what) as before:
        yield before


@contextmanager
def heartbeat(run: Run, interval: float = INTERVAL) -> Iterator[None]:
    """Set a heartbeat tag every minute, for machines that cannot see the run's lock."""
    if run.run_id is None:
        yield
        return
    ended = threading.Event()
    place = _place(run.store.journals.parent) if run.store is not None else ""

    def beat() -> None:
        try:
            run.tags({HEARTBEAT_TAG: f"{int(time.time())} {place}"})
        except (MlflowException, IdcError, OSError):
            log.debug("no heartbeat", exc_info=True)

    def keep_beating() -> None:
        while not ended.wait(interval):
            beat()

    beat()
    thread = threading.Thread(target=keep_beating, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # A beat in progress would arrive after the end; do not wait for an unreachable server.
        thread.join(timeout=5)


@dataclass(frozen=True)
class Liveness:
    """Whether a run with status RUNNING still has a process.

    Attributes:
        alive: Whether it does, as far as this machine can see.
        why: The evidence, in a few words.
    """

    alive: bool
    why: str


def liveness_of(record: RunRecord, mlruns: Path) -> Liveness:
    """Determine whether a run's process is alive: by its lock on this machine, or its heartbeat.

    Args:
        record: A run with status RUNNING.
        mlruns: ``paths.mlruns``.
    """
    path = lock_file(mlruns, str(record.info.run_id))
    if (process := holder(path)) is not None:
        return Liveness(True, str(process))
    before = last_holder(path)
    if before is not None and before.host == platform.node():
        return Liveness(False, f"{before}, has ended")
    beat, _, place = record.data.tags.get(HEARTBEAT_TAG, "").partition(" ")
    if place == _place(mlruns):
        # Its lock would be here: it ended, but could not record that (a full disk).
        return Liveness(False, "its process on this machine has ended")
    if beat.isdigit():
        age = time.time() - int(beat)
        return Liveness(age < LATE, f"last heartbeat {timedelta(seconds=int(age))} ago")
    age = time.time() - record.info.start_time / 1000
    return Liveness(age < UNMARKED, f"no heartbeat; started {timedelta(seconds=int(age))} ago")


def _place(mlruns: Path) -> str:
    """Digest that identifies this machine's folder of locks without revealing its path."""
    where = f"{platform.node()}:{mlruns.resolve()}"
    return hashlib.blake2b(where.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()


def refuse_running(record: RunRecord, mlruns: Path, what: str) -> None:
    """Refuse to resume a run that another process is using.

    Args:
        record: The run.
        mlruns: ``paths.mlruns``.
        what: Name of the run in the error message.

    Raises:
        BusyError: Its process is alive.
    """
    if record.info.status == "RUNNING" and (state := liveness_of(record, mlruns)).alive:
        raise BusyError(
            f"{what}: it is still running ({state.why}). Wait until it ends, or end it first."
        )
