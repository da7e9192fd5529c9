"""Ending child processes whose parent was killed."""

import os
import signal
import threading
import time
from functools import cache

LAUNCHED = "IDC_LAUNCHED"  # set in ranks: process id of their launcher
POLL = 0.5  # seconds between two checks
GRACE = 8.0  # seconds for a process to close its run and files


def end_with_launcher() -> None:
    """In a rank, end this process when its launcher is gone; elsewhere do nothing."""
    if (launcher := os.environ.get(LAUNCHED)) is not None:
        end_with(int(launcher))


@cache
def end_with(parent: int) -> None:
    """Terminate this process when its parent is gone.

    It receives SIGTERM, so that it can close its run, and is ended if that does not suffice.
    Polling works on all systems and, unlike Linux's PR_SET_PDEATHSIG, does not depend on which
    thread of the parent started this process.

    Args:
        parent: Process id of the parent.
    """
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(128 + signal.SIGTERM)
