"""The machine's load reaches the run while it is measured, and no longer."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from conftest import PATIENCE
from idc.tracking.system_metrics import system_metrics


class Recorder:
    """A run that keeps its metrics, and can have a full disk."""

    run_id = "0" * 32

    def __init__(self, database: Path, full: bool = False) -> None:
        self.store = SimpleNamespace(uri=f"sqlite:///{database}")
        self.steps: list[int] = []
        self.names: set[str] = set()
        self.sampled, self._full = threading.Event(), full

    def metrics(self, values: dict[str, float], step: int) -> None:
        self.steps.append(step)
        self.names |= set(values)
        if self._full or len(self.steps) == 2:
            self.sampled.set()
        if self._full:
            raise OSError("no space")


def test_samples_are_numbered_until_the_end(database: Path) -> None:
    run: Any = Recorder(database)
    with system_metrics(run, 0.01):
        assert run.sampled.wait(PATIENCE)
    assert run.steps == list(range(len(run.steps)))
    assert all(name.startswith("system/") for name in run.names)
    assert any("cpu" in name for name in run.names)


def test_a_full_disk_ends_the_samples_and_nothing_else(database: Path) -> None:
    run: Any = Recorder(database, full=True)
    with system_metrics(run, 0.01):
        assert run.sampled.wait(PATIENCE)
    assert run.steps == [0]


def test_a_run_shorter_than_the_interval_has_one_sample(database: Path) -> None:
    run: Any = Recorder(database)
    with system_metrics(run, 60):
        pass
    assert run.steps == [0]
    assert run.names
