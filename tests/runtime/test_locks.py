"""A lock keeps processes apart, names its holder and dies with it."""

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from idc.errors import BusyError
from idc.runtime.locks import hold, holder, last_holder

# Holds the lock; a forked child of it must not keep it.
HOLD = """
import os, sys, time
from pathlib import Path
from idc.runtime.locks import hold
with hold(Path(sys.argv[1]), "run"):
    if os.fork() == 0:
        sys.stdin.read()
        os._exit(0)
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None and process.stdout.readline().strip() == str(process.pid)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_one_process_at_a_time_and_a_kill_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "abc.lock"
    with another(path) as process:
        with pytest.raises(BusyError, match=f"resume=abc.*process {process.pid} on"):  # noqa: SIM117
            with hold(path, "resume=abc"):
                raise AssertionError("it is held")
        assert holder(path) is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        # What it had forked is still there.
        assert holder(path) is None
        left = last_holder(path)
        assert left is not None and (left.pid, left.host) == (process.pid, platform.node())
        with hold(path, "resume=abc") as before:
            assert before == left
            now = holder(path)
            assert now is not None and now.pid == os.getpid()
    assert not path.exists()
    assert last_holder(path) is None


def test_a_process_does_not_lock_itself_twice(tmp_path: Path) -> None:
    path = tmp_path / "abc.lock"
    with hold(path, "first"):
        with pytest.raises(BusyError), hold(path, "second"):
            raise AssertionError("it is held")
        with another(tmp_path / "other.lock"):  # nor does that free the first
            assert holder(path) is not None
    with hold(path, "third") as before:
        assert before is None
