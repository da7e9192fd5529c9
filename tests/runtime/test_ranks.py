"""The processes of one job: their environment, their signals, and what a failure says."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from idc.runtime import ranks
from idc.runtime.orphans import LAUNCHED
from idc.runtime.ranks import RankError, launch_ranks, leave_ranks


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], list[str]]:
    """Launch two ranks, whose place a function takes; their command."""

    def launch(run: Callable[[], None]) -> list[str]:
        commands: list[str] = []

        def elastic(config: object, executable: str) -> Callable[..., None]:
            assert config.nproc_per_node == 2  # type: ignore[attr-defined]
            return lambda *command: (commands.extend(command), run())[1]

        monkeypatch.setattr(ranks, "elastic_launch", elastic)
        launch_ranks(2, ["seed=1"], Path("/runs/it's here"))
        return commands

    return launch


def test_ranks_repeat_the_job_in_its_folder(
    launched: Callable[[Callable[[], None]], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "count_cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    seen: dict[str, str] = {}
    handler = signal.getsignal(signal.SIGTERM)

    def run() -> None:
        seen.update(os.environ)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as torchrun does

    command = launched(run)
    assert command[:3] == ["-m", "idc.train", "seed=1"]
    assert r"hydra.run.dir='/runs/it\'s here'" in command
    assert seen["OMP_NUM_THREADS"] == "4"
    assert seen[LAUNCHED] == str(os.getpid())
    assert LAUNCHED not in os.environ
    assert signal.getsignal(signal.SIGTERM) == handler


@pytest.mark.parametrize(("code", "stopped"), [(1, False), (-9, True), (143, True)])
def test_a_rank_that_fails_is_named(
    launched: Callable[[Callable[[], None]], list[str]], code: int, stopped: bool
) -> None:
    def run() -> None:
        failure = SimpleNamespace(exitcode=code, timestamp=0, message="", error_file="<N/A>")
        error = ChildFailedError.__new__(ChildFailedError)
        error.failures = {1: failure}  # type: ignore[dict-item]
        raise error

    with pytest.raises(RankError, match=f"rank 1 of the 2 .*exit code {code}") as failed:
        launched(run)
    assert failed.value.stopped is stopped


def test_a_signal_stops_the_job(launched: Callable[[Callable[[], None]], list[str]]) -> None:
    def run() -> None:
        raise SignalException("stopped", signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        launched(run)


def test_only_the_first_rank_goes_on_to_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    assert leave_ranks()
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert not leave_ranks()
    monkeypatch.setenv("RANK", "0")
    assert leave_ranks()
