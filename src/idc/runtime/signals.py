"""Being told to stop: one way for all apps and phases.

SIGTERM, SIGHUP and a cluster's warnings (SIGUSR1, SIGUSR2) raise `Stopped` in the main thread,
wherever it is, so that what is open closes as it does after Ctrl-C. Training, which is to stop
between two batches, puts that off (`deferred`) and looks for itself (`check`).

A launcher may have its own handler for a warning: submitit's requeues the job. It is called once
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

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)  # the job is to end soon, and to go on later
SIGNALS = (signal.SIGTERM, signal.SIGHUP, *WARNINGS)
STORE = ("idc.tracking.", "mlflow.", "sqlalchemy.")  # modules
PATIENCE = 5.0  # seconds that a call to the store may take before it is cut short after all
RETRY = 0.05  # seconds
AGAIN = 10.0  # seconds after which a further signal means that the first was lost


class Stopped(KeyboardInterrupt):
    """The process was told to stop.

    Attributes:
        number: By which signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


@dataclass
class _State:
    pid: int = 0  # of the process that handles signals now; 0 if none does
    number: int | None = None  # of the signal that told it to stop
    time: float = 0.0
    deferred: int = 0
    waiting: float | None = None  # since when a call to the store is waited for


_state = _State()


def exit_code(stop: KeyboardInterrupt) -> int:
    """The shell's code for what stopped a process: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)


def received() -> int | None:
    """The signal that told this process to stop, or None."""
    return _state.number


def check() -> None:
    """Stop here if the process was told to.

    Raises:
        Stopped: It was.
    """
    if _state.number is not None:
        raise Stopped(_state.number)


def stop(number: int) -> None:
    """Stop for a signal that another handler took.

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
    """Handle the signals while inside: the outermost of several; nothing in other threads.

    Raises:
        Stopped: The process was told to stop.
    """
    if threading.current_thread() is not threading.main_thread() or _state.pid == os.getpid():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        # A launcher's way with SIGTERM is its own; with nohup, SIGHUP is ignored.
        if handler == signal.SIG_DFL or (number in WARNINGS and callable(handler)):
            signal.signal(number, _handle)
    if (interrupt := signal.getsignal(signal.SIGINT)) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    _state.pid, _state.number = os.getpid(), None
    try:
        yield
    finally:
        told = received()
        _state.pid, _state.number = 0, None
        for number, handler in {**before, signal.SIGINT: interrupt}.items():
            signal.signal(number, handler)
        if told is not None and callable(then := before.get(signal.Signals(told))):
            then(told, None)


def reclaim() -> None:
    """Take the signals back from a library that put its own handlers over these."""
    if _state.pid == os.getpid() and threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_DFL, signal.SIG_IGN):
                signal.signal(number, _handle)


@contextmanager
def deferred() -> Iterator[None]:
    """Let a signal wait while inside: for `check`, or for the end."""
    _state.deferred += 1
    try:
        yield
    finally:
        _state.deferred -= 1
    check()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Finish what is inside, whatever signal comes, Ctrl-C too; those are let go."""
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
    if _state.pid != os.getpid():  # forked: the process that leads ends it
        if number not in WARNINGS:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        return
    if _postponed(number, frame):
        return
    # A cluster signals each process, and a launcher its ranks: once is meant.
    again = _state.number is not None and time.monotonic() - _state.time > AGAIN
    if _state.number is None or again:
        _state.number, _state.time = number, time.monotonic()
        if not _state.deferred:
            raise Stopped(number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C, as Python has it, but for `_postponed`."""
    if _state.pid != os.getpid() or not _postponed(number, frame):
        signal.default_int_handler(number, frame)


def _postponed(number: int, frame: FrameType | None) -> bool:
    """Let a call to the store end first: cut short, it would keep the database locked.

    Its transaction lives as long as the exception's traceback, while the run is closed.
    """
    now = time.monotonic()
    if not _calls_store(frame) or now - (_state.waiting or now) > PATIENCE:
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


def _calls_store(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(STORE):
            return True
        frame = frame.f_back
    return False
