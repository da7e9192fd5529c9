"""Handling of stop signals, the same for all apps and phases.

SIGTERM, SIGHUP and a cluster's warnings (SIGUSR1, SIGUSR2) raise `Stopped` in the main thread, so
that runs and files are closed as after Ctrl-C. Training, which stops between two batches, defers
this (`deferred`) and checks for itself (`check`).

A launcher may have its own handler for a warning: submitit's requeues the job. It is called after
everything is closed.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)  # the job must end soon, to be resumed later
SIGNALS = (signal.SIGTERM, signal.SIGHUP, *WARNINGS)
MLFLOW_MODULES = ("idc.tracking.", "mlflow.", "sqlalchemy.")
PATIENCE = 5.0  # seconds that a call to MLflow may still take before it is interrupted
RETRY = 0.05  # seconds
AGAIN = 10.0  # seconds after which another signal means that the first was lost


class Stopped(KeyboardInterrupt):
    """The process received a stop signal.

    Attributes:
        number: The signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


@dataclass
class _State:
    pid: int = 0  # process that handles signals now; 0 if none does
    number: int | None = None  # the stop signal received
    time: float = 0.0
    deferred: int = 0
    waiting: float | None = None  # since when we wait for a call to MLflow to end


_state = _State()


STOPPED_CODE = 128  # the exit code of a stopped process is this plus the signal's number


def exit_code(stop: KeyboardInterrupt) -> int:
    """Exit code of a stopped process, as the shell's: 130 for Ctrl-C, 143 for SIGTERM."""
    return STOPPED_CODE + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)


def received() -> int | None:
    """The stop signal that this process received, or None."""
    return _state.number


def check() -> None:
    """Stop here if the process received a stop signal.

    Raises:
        Stopped: It did.
    """
    if _state.number is not None:
        raise Stopped(_state.number)


def stop(number: int) -> None:
    """Stop because of a signal that another handler received.

    Raises:
        KeyboardInterrupt: For SIGINT.
        Stopped: For any other.
    """
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    _state.number = _state.number or number
    check()


@contextmanager
def handled() -> Iterator[None]:
    """Handle stop signals inside the ``with`` block; only the outermost block of the main thread.

    Raises:
        Stopped: The process received a stop signal.
    """
    if threading.current_thread() is not threading.main_thread() or _state.pid == os.getpid():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        # A launcher's own handler of SIGTERM is kept; under nohup, SIGHUP stays ignored.
        if handler == signal.SIG_DFL or (number in WARNINGS and callable(handler)):
            signal.signal(number, _handle)
    if (own := signal.getsignal(signal.SIGINT)) == signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    _state.pid, _state.number = os.getpid(), None
    try:
        yield
    finally:
        number_received = received()
        _state.pid, _state.number = 0, None
        for number, handler in {**before, signal.SIGINT: own}.items():
            signal.signal(number, handler)
        if number_received is not None:
            launchers_handler = before.get(signal.Signals(number_received))
            if callable(launchers_handler):
                launchers_handler(number_received, None)


def reclaim() -> None:
    """Reinstall these handlers after a library has replaced them."""
    if _state.pid == os.getpid() and threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_DFL, signal.SIG_IGN):
                signal.signal(number, _handle)


@contextmanager
def deferred() -> Iterator[None]:
    """Defer stop signals to the next `check` or the end of the ``with`` block."""
    _state.deferred += 1
    try:
        yield
    finally:
        _state.deferred -= 1
    check()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore all stop signals inside the ``with`` block, Ctrl-C included."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    _state.deferred += 1
    try:
        yield
    finally:
        _state.deferred -= 1
        signal.signal(signal.SIGINT, before)


def _handle(number: int, frame: FrameType | None) -> None:
    if _state.pid != os.getpid():  # a forked child, which its parent ends
        if number not in WARNINGS:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        return
    if _postponed(number, frame):
        return
    # Both the cluster and the launcher may signal this process: act once.
    again = _state.number is not None and time.monotonic() - _state.time > AGAIN
    if _state.number is None or again:
        _state.number, _state.time = number, time.monotonic()
        if not _state.deferred:
            raise Stopped(number)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handle a signal as Ctrl-C, but let a call to MLflow end first; a handler for any signal.

    Raises:
        KeyboardInterrupt: Always, unless it is postponed.
    """
    if _state.pid != os.getpid() or not _postponed(number, frame):
        signal.default_int_handler(number, frame)


def _postponed(number: int, frame: FrameType | None) -> bool:
    """Let a call to MLflow end first: interrupted, it would keep the database locked.

    Its transaction lives as long as the exception's traceback, that is, until the run is closed.
    """
    now = time.monotonic()
    if not _calls_mlflow(frame) or now - (_state.waiting or now) > PATIENCE:
        _state.waiting = None
        return False
    _state.waiting = _state.waiting or now
    timer = threading.Timer(RETRY, _repeat, (number,))
    timer.daemon = True
    timer.start()
    return True


def _repeat(number: int) -> None:
    if _state.pid == os.getpid():
        os.kill(os.getpid(), number)


def _calls_mlflow(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(MLFLOW_MODULES):
            return True
        frame = frame.f_back
    return False
