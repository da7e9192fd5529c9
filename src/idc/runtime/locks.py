"""Locks that let one process at a time use a run.

These are POSIX record locks: the operating system frees them however the process ends, and forked
processes do not inherit them. The lock file names the process, for messages.
"""

import errno
import fcntl
import json
import logging
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from idc.errors import BusyError

log = logging.getLogger(__name__)
FOLDER = "locks"  # within paths.mlruns
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
# A second lock by the same process always succeeds, and closing either file releases both.
_held: dict[Path, "Holder"] = {}


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock, or held it when it was killed.

    Attributes:
        host: The machine's name.
        pid: The process id on that machine.
        since: When it took the lock, ISO 8601 with time zone.
    """

    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def hold(path: Path, what: str) -> Iterator[Holder | None]:
    """Hold a lock inside the ``with`` block.

    Args:
        path: The lock file; its folder is created if necessary.
        what: What is locked, for the error message: ``resume=ID``.

    Yields:
        The process that was killed while it held the lock, or None.

    Raises:
        BusyError: Another process holds the lock, or this one already does.
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _acquire(path, what)
    try:
        before = _read(handle)
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        mine = _held[path] = Holder(platform.node(), os.getpid(), now)
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(mine)).encode(), 0)
        yield before
    finally:
        _held.pop(path, None)
        path.unlink(missing_ok=True)
        os.close(handle)


def holder(path: Path) -> Holder | None:
    """The running process on this machine that holds a lock, or None."""

    def read_if_locked(handle: int) -> Holder | None:
        return None if _lock(handle) else _read(handle) or Holder("this machine", 0, "now")

    return _look(path.absolute(), os.O_RDWR, read_if_locked)


def last_holder(path: Path) -> Holder | None:
    """The process that holds a lock or was killed while it did; None if there is no lock file."""
    return _look(path.absolute(), os.O_RDONLY, _read)


def _look(path: Path, flags: int, read: Callable[[int], Holder | None]) -> Holder | None:
    """This process if it holds the lock, else what the lock file says."""
    if path in _held:
        return _held[path]
    try:
        handle = os.open(path, flags)
    except OSError:
        return None
    try:
        return read(handle)
    finally:
        os.close(handle)


def _acquire(path: Path, what: str) -> int:
    while path not in _held:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _lock(handle):
            who = _read(handle)
            os.close(handle)
            raise _busy(what, who)
        try:
            if os.fstat(handle).st_ino == path.stat().st_ino:
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)  # its holder has just removed the file
    raise _busy(what, _held[path])


def _busy(what: str, who: Holder | None) -> BusyError:
    process = who or "another process"
    return BusyError(
        f"{what}: it is still running ({process}). Wait until it ends, or end it first."
    )


def _lock(handle: int) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in UNSUPPORTED:
            log.warning("this file system has no locks: two processes may use the same run")
            return True
        return False
    return True


def _read(handle: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(handle, 4096, 0)))
    except (ValueError, TypeError):
        return None  # the file is new, or its writer was killed
