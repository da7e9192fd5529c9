"""How an app ends: the code that the shell gets, and what is printed."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from hydra.errors import HydraException

from idc import __version__
from idc.launch.app import TRACEBACK, run_app


def ended(
    monkeypatch: pytest.MonkeyPatch, task: Callable[[], object], *arguments: str
) -> tuple[object, str, str]:
    """Exit code, output and errors of a task run as an app."""
    monkeypatch.setattr(sys, "argv", ["idc.train", *arguments])
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        try:
            run_app("train", task)
            code: object = None
        except SystemExit as stop:
            code = stop.code
    return code, out.getvalue(), err.getvalue()


def raising(error: BaseException) -> Callable[[], object]:
    def task() -> None:
        raise error

    return task


@pytest.mark.parametrize(
    ("task", "code", "words"),
    [
        (lambda: None, 0, ""),
        (raising(KeyboardInterrupt()), 130, "stopped"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), 143, "SIGTERM"),
        (raising(SystemExit(1)), 1, ""),
        (raising(HydraException("what is wrong")), 1, "error: what is wrong"),
    ],
    ids=["done", "interrupted", "terminated", "refused", "composition"],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch, task: Callable[[], object], code: int, words: str
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    got, _, err = ended(monkeypatch, task)
    assert got == code
    assert words in err
    assert "Traceback" not in err
    assert signal.getsignal(signal.SIGTERM) == before
    assert TRACEBACK not in os.environ


def test_an_unexpected_error_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code, _, _ = ended(monkeypatch, raising(RuntimeError("a defect")))
    assert code == 1
    assert "a defect" in caplog.text


def test_version_and_help_run_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for flag, words in (("--version", __version__), ("--help", "usage: idc train")):
        code, out, _ = ended(monkeypatch, raising(AssertionError("it ran")), flag)
        assert code is None
        assert words in out
