"""A job in several processes: what is left of it when one of them fails."""

from pathlib import Path

import pytest

from idc.pipelines import job
from idc.pipelines.job import Job, run_in_ranks
from idc.runtime.outcome import Outcome, load_outcome
from idc.runtime.ranks import RankError


def launch(
    monkeypatch: pytest.MonkeyPatch, left: Outcome | None, error: BaseException | None
) -> list[object]:
    """Stand in for the processes: what the first leaves, and how it ends."""
    launched: list[object] = []

    def ranks(processes: int, arguments: list[str], folder: Path) -> None:
        launched.append((processes, arguments))
        if left is not None:
            left.save(folder)
        if error is not None:
            raise error

    monkeypatch.setattr(job, "launch_ranks", ranks)
    return launched


def test_the_outcome_is_that_of_the_first_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left = Outcome("mine", "FINISHED", "a", metrics={"test/f1": 0.5})
    launched = launch(monkeypatch, left, None)
    one = Job({"resume": None}, tmp_path, ["seed=1"], hydra_arguments=["--config-name", "train"])
    assert run_in_ranks(one, 2, None) == left
    assert launched == [(2, ["--config-name", "train", "seed=1"])]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RankError("rank 1 failed\nmore", stopped=False), "FAILED", "rank 1 failed"),
        (RankError("rank 0 was ended", stopped=True), "FAILED", "rank 0 was ended"),
        (KeyboardInterrupt("by SIGTERM"), "KILLED", "by SIGTERM"),
    ],
)
def test_a_run_that_no_process_could_close_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, status: str, reason: str
) -> None:
    launch(monkeypatch, Outcome("mine"), error)
    with pytest.raises(type(error)):
        run_in_ranks(Job({"resume": None}, tmp_path), 2, None)
    outcome = load_outcome(tmp_path)
    assert outcome is not None
    assert (outcome.status, outcome.error) == (status, reason)


def test_a_run_that_closed_itself_keeps_its_own_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = RankError("rank 0 failed", stopped=False)
    launch(monkeypatch, Outcome("mine", "FAILED", error="no memory"), error)
    with pytest.raises(RankError):
        run_in_ranks(Job({"resume": None}, tmp_path), 2, None)
    outcome = load_outcome(tmp_path)
    assert outcome is not None
    assert outcome.error == "no memory"


@pytest.mark.parametrize(("stopped", "status"), [(False, "FAILED"), (True, "KILLED")])
def test_a_first_rank_that_was_ended_for_the_error_of_another_has_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stopped: bool, status: str
) -> None:
    left = Outcome("mine", "KILLED", error="stopped by SIGTERM")
    launch(monkeypatch, left, RankError("rank 1 failed", stopped))
    with pytest.raises(RankError):
        run_in_ranks(Job({"resume": None}, tmp_path), 2, None)
    outcome = load_outcome(tmp_path)
    assert outcome is not None
    assert outcome.status == status
