"""Whatever happens in a run, its status, its outcome and its log are true afterwards."""

import errno
import signal
from pathlib import Path

import pytest
from stored_run import LoggedRun

from idc.errors import DataError, TrackingError
from idc.pipelines.lifecycle import (
    ENDED_FROM_OUTSIDE,
    LOG_FILE,
    close_for,
    lifecycle,
    lightning_interrupts,
    mark_ended,
    owning,
)
from idc.runtime.outcome import Outcome, load_outcome


def saved(folder: Path) -> tuple[str, str | None]:
    outcome = load_outcome(folder)
    assert outcome is not None
    return outcome.status, outcome.error


def test_a_run_that_ends_well(tmp_path: Path) -> None:
    run, outcome = LoggedRun(), Outcome("one", run_id="a")
    (tmp_path / LOG_FILE).write_text("a line\n")
    with lifecycle(run, outcome, tmp_path, "console_2.log"):
        assert saved(tmp_path) == ("RUNNING", None)
        outcome.metrics["test/f1"] = 0.5
    assert saved(tmp_path) == ("FINISHED", None)
    assert run.ended == ["FINISHED"]
    assert run.files == ["console_2.log"]


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (DataError("data: none\nmore"), "FAILED", "data: none"),
        (ValueError("a defect"), "FAILED", "a defect"),
        (KeyboardInterrupt(), "KILLED", "stopped by the user"),
        (KeyboardInterrupt("by SIGTERM"), "KILLED", "by SIGTERM"),
    ],
)
def test_a_run_that_does_not(tmp_path: Path, error: BaseException, status: str, words: str) -> None:
    run, outcome = LoggedRun(), Outcome("one", run_id="a")
    with pytest.raises(type(error)), lifecycle(run, outcome, tmp_path, LOG_FILE):
        raise error
    assert saved(tmp_path) == (status, words)
    assert run.ended == [status]
    assert ("traceback.txt" in run.files) == (status == "FAILED")


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    run = LoggedRun()
    with (
        pytest.raises(TrackingError, match=r"cannot write here\.bin.*resume=RUN_ID"),
        lifecycle(run, Outcome("one", run_id="a"), tmp_path, LOG_FILE),
    ):
        raise OSError(errno.ENOSPC, "no space", "here.bin")
    assert run.ended == ["FAILED"]


def test_an_end_that_cannot_be_recorded_is_an_error(tmp_path: Path) -> None:
    class Away(LoggedRun):
        def end(self, status: str) -> None:
            raise TrackingError("the server is away")

    with (
        pytest.raises(TrackingError, match="its end could not be recorded: the server is away"),
        lifecycle(Away(), Outcome("one", run_id="a"), tmp_path, LOG_FILE),
    ):
        pass
    assert saved(tmp_path) == ("FINISHED", None)


def test_a_command_that_adds_to_a_run_marks_its_folder_only(tmp_path: Path) -> None:
    with owning(tmp_path, Outcome("explain", run_id="a", kind="explain")):
        assert saved(tmp_path) == ("RUNNING", None)
    assert saved(tmp_path) == ("FINISHED", None)
    with pytest.raises(KeyboardInterrupt), owning(tmp_path, Outcome("explain")):
        raise KeyboardInterrupt
    assert saved(tmp_path)[0] == "KILLED"


def test_what_another_process_left_running_is_closed(tmp_path: Path) -> None:
    Outcome("one", run_id="a").save(tmp_path)
    mark_ended(tmp_path)
    assert saved(tmp_path) == ("KILLED", ENDED_FROM_OUTSIDE)
    close_for(None, Outcome("one"), tmp_path, "FAILED", "out of memory")
    assert saved(tmp_path) == ("FAILED", "out of memory")
    mark_ended(tmp_path)
    assert saved(tmp_path) == ("FAILED", "out of memory")  # it has ended already


def test_lightnings_exit_is_an_interrupt(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), lightning_interrupts():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise SystemExit(1)
    assert signal.getsignal(signal.SIGINT) is before
