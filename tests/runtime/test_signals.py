"""Stop signals, in small processes of their own."""

import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from idc.runtime.signals import SIGNALS, Stopped, check, deferred, exit_code, handled, uninterrupted

TIMEOUT = 60


@pytest.fixture(autouse=True)
def as_in_a_new_process() -> Iterator[None]:
    """Lightning leaves Ctrl-C ignored in a process in which it was interrupted."""
    new = dict.fromkeys(SIGNALS, signal.SIG_DFL) | {signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in new.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_stops_a_process_that_closes_what_is_open(number: signal.Signals) -> None:
    process = run(
        "import sys, time\n"
        "from idc.runtime.signals import exit_code, handled\n"
        "try:\n"
        "    with handled():\n"
        "        try:\n"
        "            print('open', flush=True); time.sleep(600)\n"
        "        finally:\n"
        "            print('closed', flush=True)\n"
        "except KeyboardInterrupt as stop:\n"
        "    sys.exit(exit_code(stop))\n"
    )
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=TIMEOUT)
    assert out == "closed\n"
    assert process.returncode == 128 + number


def test_training_stops_where_it_looks_and_a_second_signal_changes_nothing() -> None:
    steps = []
    with pytest.raises(Stopped) as stop, handled(), deferred():
        steps.append("batch 1")
        os.kill(os.getpid(), signal.SIGTERM)
        steps.append("batch 2")
        os.kill(os.getpid(), signal.SIGTERM)
        check()
        steps.append("batch 3")
    assert steps == ["batch 1", "batch 2"]
    assert exit_code(stop.value) == 143
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_waited_is_raised_at_the_end() -> None:
    with pytest.raises(Stopped), handled(), deferred():
        os.kill(os.getpid(), signal.SIGUSR1)


def test_a_run_is_closed_whatever_signal_comes() -> None:
    closed = []
    with handled(), uninterrupted():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        closed.append(True)
    assert closed


def test_a_launchers_own_handler_is_called_when_all_is_closed() -> None:
    """As submitit's, which requeues the job; its way with SIGTERM, to ignore it, is kept."""
    events: list[object] = []
    before = signal.signal(signal.SIGUSR2, lambda number, _: events.append(number))
    bypass = signal.signal(signal.SIGTERM, lambda number, _: events.append("bypassed"))
    try:
        with pytest.raises(Stopped), handled():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGUSR2)
                time.sleep(0)
            finally:
                events.append("closed")
    finally:
        signal.signal(signal.SIGUSR2, before)
        signal.signal(signal.SIGTERM, bypass)
    assert events == ["bypassed", "closed", signal.SIGUSR2]


def test_forked_workers_leave_a_warning_to_the_process_that_leads() -> None:
    read, write = os.pipe()
    with handled():
        if (child := os.fork()) == 0:
            try:
                os.kill(os.getpid(), signal.SIGUSR1)
                os.write(write, b"on")
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os._exit(1)
        assert os.read(read, 2) == b"on"
        _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM


def test_a_rank_ends_when_its_launcher_was_killed(tmp_path: Path) -> None:
    """It receives SIGTERM, and can close its run."""
    rank = (
        "import os, sys, time\n"
        "from idc.runtime.orphans import end_with_launcher\n"
        "from idc.runtime.signals import handled\n"
        "with handled():\n"
        "    end_with_launcher()\n"
        "    print(os.getpid(), flush=True)\n"
        "    try:\n"
        "        time.sleep(600)\n"
        "    finally:\n"
        "        open(sys.argv[1], 'w').write('closed')\n"
    )
    launcher = run(
        "import os, subprocess, sys\n"
        "env = {**os.environ, 'IDC_LAUNCHED': str(os.getpid())}\n"
        "subprocess.run([sys.executable, '-c', *sys.argv[1:]], env=env)\n",
        rank,
        str(tmp_path / "closed"),
    )
    assert launcher.stdout is not None
    launcher.stdout.readline()
    launcher.kill()
    # The rank holds the other end of the pipe as long as it lives.
    assert launcher.stdout.read() == ""
    launcher.communicate()
    assert (tmp_path / "closed").read_text() == "closed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_call_to_the_store_is_not_cut_short(number: signal.Signals) -> None:
    """Its transaction would keep the database locked while the run is closed."""
    done: list[str] = []
    store = types.ModuleType("mlflow.store")
    code = "def call(kill, rest, done):\n    kill()\n    rest(0.2)\n    done.append('committed')"
    exec(code, store.__dict__)
    with pytest.raises(KeyboardInterrupt), handled():
        store.call(lambda: os.kill(os.getpid(), number), time.sleep, done)
        time.sleep(TIMEOUT)
        done.append("not stopped")
    assert done == ["committed"]
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
