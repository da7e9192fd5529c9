"""The number of CPU cores that this process may use."""

import os


def count_cores() -> int:
    """Cores that the scheduler gives to this process; all cores where it does not say (macOS)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
