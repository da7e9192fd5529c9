"""Runs are found with their children and files, or named where they are not."""

from pathlib import Path

import mlflow
import pytest

from idc.errors import CheckpointError, TrackingError
from idc.tracking.lookup import children, fetch_artifact, find_run
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore, open_store


@pytest.fixture
def store(tmp_path: Path, ready_made_store: None) -> MlflowStore:
    made = open_store("local", None, "idc", tmp_path / "mlruns")
    assert made is not None
    return made


def test_children_are_found_in_their_order(store: MlflowStore) -> None:
    parent = MlflowRun(store, name="sweep")
    names = ["b", "a", "c"]
    for name in names:
        MlflowRun(store, name=name, parent=parent.run_id)
    MlflowRun(store, name="stranger")
    assert [r.info.run_name for r in children(store, parent.run_id)] == names
    with pytest.raises(TrackingError, match=r"sweep\.resume=nobody"):
        children(store, "nobody")


def test_unknown_runs_are_named(store: MlflowStore) -> None:
    with pytest.raises(CheckpointError, match="no run 0123"):
        find_run(store, "0123")


def test_deleted_runs_are_refused_by_name(store: MlflowStore) -> None:
    parent = MlflowRun(store, name="the sweep")
    children(store, parent.run_id)
    mlflow.MlflowClient(store.uri).delete_run(parent.run_id)
    with pytest.raises(CheckpointError, match=rf"{parent.run_id} \(the sweep\) was deleted"):
        find_run(store, parent.run_id)
    with pytest.raises(TrackingError, match=r"sweep\.resume=.*was deleted"):
        children(store, parent.run_id)


def test_artifacts_lie_beside_the_database(store: MlflowStore, tmp_path: Path) -> None:
    run = MlflowRun(store, name="a")
    (tmp_path / "note.txt").write_text("hello")
    run.artifacts(tmp_path / "note.txt", "notes")
    run.artifacts(tmp_path / "is not there")  # nothing to keep is no error
    assert fetch_artifact(store, run.run_id, "notes", tmp_path / "back").is_dir()
    paths = list((tmp_path / "mlruns" / "artifacts").rglob("note.txt"))
    assert [p.parent.name for p in paths] == ["notes"]
    with pytest.raises(CheckpointError, match="has no weights"):
        fetch_artifact(store, run.run_id, "weights", tmp_path / "back")
