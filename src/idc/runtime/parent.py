"""Processes that a job starts do not outlive it, even if it is killed outright."""

import os
import signal
import threading
import time
from functools import cache

LAUNCHED = "IDC_LAUNCHED"  # in ranks: the process that started them
POLL = 0.5  # seconds between two looks
GRACE = 8.0  # seconds in which a process may close what is open


def end_with_launcher() -> None:
    """In a rank: end when its launcher is gone; elsewhere nothing."""
    if (launcher := os.environ.get(LAUNCHED)) is not None:
        end_with(int(launcher))


@cache
def end_with(parent: int) -> None:
    """Terminate this process when the one that started it is gone.

    It is told by SIGTERM, so that it can close its run, and ended if it does not end itself. A look
    now and then does on all systems, and unlike Linux's own signal it does not depend on which
    thread of the parent had started this process.

    Args:
        parent: The process's number.
    """
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(128 + signal.SIGTERM)
