"""The store: made once, also where two processes open it at once; nothing global is left behind."""

import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from conftest import PATIENCE
from idc.errors import TrackingError
from idc.tracking.lookup import fetch_artifact
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore, open_store, restored_tracking_uri
from idc.tracking.run_protocol import Run


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


def test_a_deleted_experiment_is_named(store: MlflowStore, tmp_path: Path) -> None:
    mlflow.MlflowClient(store.uri).delete_experiment(store.experiment_id)
    with pytest.raises(TrackingError, match=r"tracking\.experiment=idc.*deleted"):
        open_store("local", None, "idc", tmp_path / "mlruns")


def test_without_tracking_nothing_is_made(tmp_path: Path) -> None:
    assert open_store("none", None, "idc", tmp_path / "mlruns") is None
    assert not (tmp_path / "mlruns").exists()
    run: Run = Run()
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
