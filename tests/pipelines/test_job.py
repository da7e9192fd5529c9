"""A job in several processes: what is left of it when one of them fails."""

from pathlib import Path

import pytest

from idc.errors import TrainingError
from idc.pipelines import job
from idc.pipelines.job import Job, run_in_ranks
from idc.runtime.outcome import Outcome, load_outcome


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
        (TrainingError("rank 1 failed\nmore"), "FAILED", "rank 1 failed"),
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
    launch(
        monkeypatch, Outcome("mine", "FAILED", error="no memory"), TrainingError("rank 0 failed")
    )
    with pytest.raises(TrainingError):
        run_in_ranks(Job({"resume": None}, tmp_path), 2, None)
    outcome = load_outcome(tmp_path)
    assert outcome is not None
    assert outcome.error == "no memory"
