"""Peak memory of this process and its children, shared pages counted once."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 0.05  # seconds


@dataclass
class Peak:
    """The most that was seen, in MiB: memory that belongs to the processes, files' pages not."""

    mib: float = 0.0


@contextmanager
def peak_memory(watched: bool = True) -> Iterator[Peak]:
    """Watch while inside (Linux: ``Pss_Anon`` of the processes' ``smaps_rollup``)."""
    peak, stop = Peak(), threading.Event()

    def watch() -> None:
        ended = False
        while not ended:  # once at least, however short the work
            peak.mib = max(peak.mib, _now())
            ended = stop.wait(EVERY)

    if not watched:
        yield peak
        return
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _now() -> float:
    me = psutil.Process(os.getpid())
    total = 0
    for process in (me, *me.children(recursive=True)):
        try:
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        except OSError:  # it has just ended
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if "Pss_Anon" in line)
    return total / 1024
