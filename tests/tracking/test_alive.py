"""A run that is RUNNING in the store, and what tells whether its process lives."""

import time
from pathlib import Path

import pytest

from idc.tracking.alive import HEARTBEAT_TAG, heartbeat, liveness_of, locked
from idc.tracking.lookup import find_run
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore, open_store


@pytest.fixture
def store(tmp_path: Path, ready_made_store: None) -> MlflowStore:
    made = open_store("local", None, "idc", tmp_path / "mlruns")
    assert made is not None
    return made


def test_a_run_whose_end_could_not_be_recorded_is_gone(store: MlflowStore, tmp_path: Path) -> None:
    """A full disk: the process ended and gave its lock back, its status did not get through."""
    run = MlflowRun(store, name="a")
    with locked(tmp_path / "mlruns", run.run_id, "run"), heartbeat(run):
        assert liveness_of(find_run(store, run.run_id), tmp_path / "mlruns").alive
    record = find_run(store, run.run_id)
    assert record.info.status == "RUNNING"
    assert not liveness_of(record, tmp_path / "mlruns").alive


def test_another_machines_run_lives_by_its_heartbeat(store: MlflowStore, tmp_path: Path) -> None:
    run = MlflowRun(store, name="a")
    for age, alive in ((5, True), (3600, False)):
        run.tags({HEARTBEAT_TAG: f"{int(time.time()) - age} 0123456789ab"})
        assert liveness_of(find_run(store, run.run_id), tmp_path / "mlruns").alive is alive


def test_the_same_machine_with_other_locks_is_another(store: MlflowStore, tmp_path: Path) -> None:
    run = MlflowRun(store, name="a")
    with heartbeat(run):
        pass
    assert liveness_of(find_run(store, run.run_id), tmp_path / "elsewhere").alive
