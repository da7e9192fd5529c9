"""The store: made once, also where two processes open it at once; nothing global is left behind."""

import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from conftest import PATIENCE
from idc.errors import CheckpointError, TrackingError
from idc.tracking.lookup import all_metrics, children, fetch_artifact, find_run
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore, open_store, restored_tracking_uri
from idc.tracking.run_protocol import NoRun, Run


@pytest.fixture
def store(tmp_path: Path, ready_made_store: None) -> MlflowStore:
    made = open_store("local", None, "idc", tmp_path / "mlruns")
    assert made is not None
    return made


@pytest.mark.slow
def test_a_fresh_store_is_opened_by_two_at_once(tmp_path: Path) -> None:
    """By processes that have all loaded MLflow already, so that they truly meet."""
    code = (
        "import os, sys; from pathlib import Path\n"
        "import mlflow.store.tracking.sqlalchemy_store\n"
        "from idc.tracking.mlflow_store import open_store\n"
        "from idc.tracking.mlflow_run import MlflowRun\n"
        "for name in '01':\n"
        "    if os.fork() == 0:\n"
        "        store = open_store('local', None, 'idc', Path(sys.argv[1]))\n"
        "        run = MlflowRun(store, name=name)\n"
        "        run.metrics({'a': 1.0}); run.end('FINISHED'); sys.exit()\n"
        "sys.exit(max(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(2)))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert len(client.search_experiments(filter_string="name = 'idc'")) == 1
    assert {r.info.run_name for r in client.search_runs(["1"])} == {"0", "1"}


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


def test_a_folder_may_have_any_name(tmp_path: Path, ready_made_store: None) -> None:
    """`?` and `#` part a URL, and `%20` is a blank in one."""
    root = tmp_path / "q?u=1#x%20y ü"
    made = open_store("local", None, "idc", root / "mlruns")
    assert made is not None
    (tmp_path / "note.txt").write_text("hello")
    run = MlflowRun(made, name="a")
    run.artifacts(tmp_path / "note.txt", "notes")
    assert fetch_artifact(made, run.run_id, "notes", tmp_path / "back").is_dir()
    assert {p.name for p in (root / "mlruns").iterdir()} >= {"mlflow.db", "artifacts"}
    assert [p.parent.name for p in (root / "mlruns" / "artifacts").rglob("note.txt")] == ["notes"]
    assert {p.name for p in tmp_path.iterdir()} == {root.name, "note.txt", "back"}


def test_long_values_and_many_of_them(store: MlflowStore) -> None:
    run = MlflowRun(store, name="a")
    values = {f"p{i}": "x" * (7000 if i == 0 else 10) for i in range(230)}
    run.params(values)
    run.params({**values, "p1": "another", "new": 1})  # a resumed run logs its own again
    run.tags({f"t{i}": "y" * 6000 for i in range(3)})
    data = find_run(store, run.run_id).data
    assert len(data.params) == 231
    assert data.params["p0"].endswith("...")
    assert data.params["p1"] == "x" * 10
    assert len(data.tags["t0"]) <= 5000


def test_metrics_that_are_not_finite_are_left_out(store: MlflowStore) -> None:
    run = MlflowRun(store, name="a")
    bad = {"nan": float("nan"), "inf": float("inf")}
    run.metrics({"fine": 0.5, **bad}, 0)
    run.metrics({"slice/fine": 0.5, **bad})
    record = find_run(store, run.run_id)
    assert record.data.metrics == {"fine": 0.5}
    assert all_metrics(store, record) == {"fine": 0.5, "slice/fine": 0.5}


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


def test_a_deleted_experiment_is_named(store: MlflowStore, tmp_path: Path) -> None:
    mlflow.MlflowClient(store.uri).delete_experiment(store.experiment_id)
    with pytest.raises(TrackingError, match=r"tracking\.experiment=idc.*deleted"):
        open_store("local", None, "idc", tmp_path / "mlruns")


def test_without_tracking_nothing_is_made(tmp_path: Path) -> None:
    assert open_store("none", None, "idc", tmp_path / "mlruns") is None
    assert not (tmp_path / "mlruns").exists()
    run: Run = NoRun()
    run.params({"a": 1})
    run.metrics({"a": 1.0})
    run.artifacts(tmp_path)
    run.end("FINISHED")
    assert run.lightning_logger() is False


def test_a_server_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9.*cannot be used"):
        open_store("server", "http://127.0.0.1:9", "idc", tmp_path / "mlruns")


@pytest.mark.parametrize("before", [None, "sqlite:///elsewhere.db"])
def test_mlflows_tracking_uri_is_restored(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if before is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", before)
    with restored_tracking_uri():
        mlflow.set_tracking_uri("sqlite:///of-a-logger.db")
    assert os.environ.get("MLFLOW_TRACKING_URI") == before
