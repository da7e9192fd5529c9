"""What tells a running run from one whose process is gone: a lock here, a heartbeat elsewhere."""

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
from idc.tracking.run import Run

log = logging.getLogger(__name__)
HEARTBEAT_TAG = "idc.heartbeat"  # seconds since 1970, and a digest of where the locks lie
INTERVAL = 60.0  # seconds between two beats
LATE = 600.0  # seconds without a beat after which a process is gone
UNMARKED = 86_400.0  # the same for a run that never had one: an older version's


def lock_file(mlruns: Path, run_id: str) -> Path:
    """Where the lock of a run lies: by its id, as every resume has a folder of its own."""
    return mlruns / FOLDER / f"{run_id}.lock"


@contextmanager
def locked(mlruns: Path, run_id: str | None, what: str) -> Iterator[Holder | None]:
    """Keep other processes of this machine from a run while inside.

    Args:
        mlruns: ``paths.mlruns``.
        run_id: The run, or None where it is not tracked.
        what: Names the run in the message.

    Yields:
        The process that was ended while it worked on the run, or None.

    Raises:
        BusyError: Another process works on it.
    """
    if run_id is None:
        yield None
        return
    with hold(lock_file(mlruns, run_id), what) as before:
        yield before


@contextmanager
def heartbeat(run: Run, interval: float = INTERVAL) -> Iterator[None]:
    """Say every minute that the run is alive, for those who cannot see its lock."""
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

    def go_on() -> None:
        while not ended.wait(interval):
            beat()

    beat()
    thread = threading.Thread(target=go_on, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # A beat under way would land after the end; a server that is away is not waited for.
        thread.join(timeout=5)


@dataclass(frozen=True)
class Life:
    """Whether a run that is RUNNING has a process.

    Attributes:
        alive: It has one, as far as can be told here.
        why: What tells so, in a few words.
    """

    alive: bool
    why: str


def life_of(record: RunRecord, mlruns: Path) -> Life:
    """Whether a run's process lives: by its lock if that is this machine's, else by its heartbeat.

    Args:
        record: A run that is RUNNING.
        mlruns: ``paths.mlruns``.
    """
    path = lock_file(mlruns, str(record.info.run_id))
    if (living := holder(path)) is not None:
        return Life(True, str(living))
    before = last_holder(path)
    if before is not None and before.host == platform.node():
        return Life(False, f"{before}, is gone")
    beat, _, place = record.data.tags.get(HEARTBEAT_TAG, "").partition(" ")
    if place == _place(mlruns):
        # Its lock would lie here; it is gone, but its end could not be recorded (a full disk).
        return Life(False, "its process on this machine has ended")
    if beat.isdigit():
        age = time.time() - int(beat)
        return Life(age < LATE, f"last heartbeat {timedelta(seconds=int(age))} ago")
    age = time.time() - record.info.start_time / 1000
    return Life(age < UNMARKED, f"no heartbeat; started {timedelta(seconds=int(age))} ago")


def _place(mlruns: Path) -> str:
    """Tells the folder of locks of this machine from others', without naming it."""
    where = f"{platform.node()}:{mlruns.resolve()}"
    return hashlib.blake2b(where.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()


def refuse_running(record: RunRecord, mlruns: Path, what: str) -> None:
    """Refuse to go on with a run that another process is at work on.

    Args:
        record: The run.
        mlruns: ``paths.mlruns``.
        what: Names the run in the message.

    Raises:
        BusyError: It is at work.
    """
    if record.info.status == "RUNNING" and (life := life_of(record, mlruns)).alive:
        raise BusyError(
            f"{what}: it is still running ({life.why}). Wait until it ends, or end it first."
        )
