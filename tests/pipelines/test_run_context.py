"""A run is open while it is made, and closed with what became of it."""

from pathlib import Path

import pytest

from idc.errors import DataError
from idc.pipelines.run_context import RunContext, tracked_run
from idc.runtime.outcome import Outcome, load_outcome
from idc.tracking.privacy import Redactor


def context_in(folder: Path) -> RunContext:
    config = {"paths": {"mlruns": str(folder / "mlruns")}}
    return RunContext(Outcome("a run"), config, folder, Redactor(True, None, folder))


def test_without_tracking_the_folder_says_how_it_ended(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    with tracked_run(None, context) as run:
        assert run is context.run
        assert run.run_id is None
        running = load_outcome(tmp_path)
        assert running is not None
        assert running.status == "RUNNING"
    ended = load_outcome(tmp_path)
    assert ended is not None
    assert ended.status == "FINISHED"
    assert context.outcome.run_id is None


def test_an_error_is_kept_and_passed_on(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match="broken"),
        tracked_run(None, context_in(tmp_path)),
    ):
        raise DataError("broken")
    ended = load_outcome(tmp_path)
    assert ended is not None
    assert (ended.status, ended.error) == ("FAILED", "broken")


def test_what_is_shown_of_a_configuration_has_no_paths_of_this_machine(tmp_path: Path) -> None:
    redactor = Redactor(True, None, tmp_path)
    redactor.register_paths([str(tmp_path / "data")])
    config = {"data": {"root": str(tmp_path / "data")}, "seed": 1}
    context = RunContext(Outcome("a run"), config, tmp_path, redactor)
    assert str(tmp_path) not in str(context.shown)
    assert context.shown["seed"] == 1
    assert context.config is config
