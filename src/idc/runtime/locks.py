"""One process at a time for a run: a lock that dies with whoever holds it.

The lock is the operating system's (POSIX record locks): however its process ends, it is free
again, and what a process forks does not inherit it. The file names the process, for messages.
"""

import errno
import fcntl
import json
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from idc.errors import BusyError

log = logging.getLogger(__name__)
FOLDER = "locks"  # within the folder of the store
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
# The system takes a second lock of the same process for the first, and drops both at once.
_held: dict[Path, "Holder"] = {}


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock, or held it when it was ended.

    Attributes:
        host: The machine's name.
        pid: The process's number on it.
        since: When it took the lock, ISO 8601 with the zone.
    """

    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def hold(path: Path, what: str) -> Iterator[Holder | None]:
    """Hold a lock while inside.

    Args:
        path: The lock's file; its folder is made if it is not there.
        what: What is locked, for the message: ``resume=ID``.

    Yields:
        The process that was ended while it held the lock, or None.

    Raises:
        BusyError: Another process holds it, or this one does already.
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
    """The living process of this machine that holds a lock, or None."""
    path = path.absolute()
    if path in _held:
        return _held[path]
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if _lock(handle) else _read(handle) or Holder("this machine", 0, "now")
    finally:
        os.close(handle)


def last_holder(path: Path) -> Holder | None:
    """The process that held a lock when it was ended, or holds it; None where there is no file."""
    path = path.absolute()
    if path in _held:
        return _held[path]
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return _read(handle)
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
        os.close(handle)  # whoever held it has just removed the file
    raise _busy(what, _held[path])


def _busy(what: str, who: Holder | None) -> BusyError:
    named = who or "another process"
    return BusyError(f"{what}: it is still running ({named}). Wait until it ends, or end it first.")


def _lock(handle: int) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in UNSUPPORTED:
            log.warning("this file system has no locks: nothing keeps two processes apart")
            return True
        return False
    return True


def _read(handle: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(handle, 4096, 0)))
    except (ValueError, TypeError):
        return None  # the file is new, or its writer was ended in between
