"""Against a real MLflow server that hangs, is killed and comes back: nothing is lost or doubled."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from idc.tracking import courier as couriers
from idc.tracking import mlflow_store as stores
from idc.tracking.courier import flush_all
from idc.tracking.leftovers import deliver_leftover
from idc.tracking.lookup import fetch_artifact, find_run
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import open_store

START = 240.0  # seconds that a server may take to start on a machine that has much to do
BOUND = 60.0
STEPS = 500


class Server:
    """An MLflow server on this machine that can be stopped and started."""

    def __init__(self, folder: Path, database: Path) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--workers", "1", "--disable-security-middleware"),
            *("--backend-store-uri", f"sqlite:///{database}"),
            *("--artifacts-destination", str(folder / "artifacts")),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, "the server ended"
                time.sleep(0.2)
        raise AssertionError("the server does not start")

    def send(self, what: signal.Signals) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, what)
        if what == signal.SIGKILL:
            self.process.wait(30)


@pytest.fixture
def server(tmp_path: Path, empty_database: Path) -> Iterator[Server]:
    database = tmp_path / "server.db"
    database.write_bytes(empty_database.read_bytes())
    server = Server(tmp_path, database)
    server.start()
    yield server
    server.send(signal.SIGCONT)
    server.send(signal.SIGKILL)


@pytest.mark.slow
def test_a_server_that_hangs_and_is_killed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((couriers, "PATIENCE"), (couriers, "SHORT_PATIENCE")):
        monkeypatch.setattr(module, name, 2.0)
    monkeypatch.setattr(stores, "ANSWER_SECONDS", BOUND)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    page = tmp_path / "page.html"
    page.write_text("a page")
    store = open_store("server", server.uri, "idc", tmp_path / "mlruns")
    assert store is not None
    run = MlflowRun(store, name="a")
    run.metrics({"loss": 1.0}, 0)
    assert find_run(store, run.run_id).data.metrics == {"loss": 1.0}
    server.send(signal.SIGSTOP)
    began = time.monotonic()
    for step in range(1, STEPS):
        run.metrics({"loss": 1.0}, step)
    run.artifacts(page, "evaluation")
    assert time.monotonic() - began < BOUND  # of milliseconds; nothing waits for the server
    run.end("FINISHED")
    assert len(flush_all()) == 1
    assert time.monotonic() - began < BOUND
    server.send(signal.SIGCONT)  # what it was sent may still arrive
    server.send(signal.SIGKILL)
    assert len(deliver_leftover(store.journals, server.uri).problems) == 1
    server.start()
    report = deliver_leftover(store.journals, server.uri)
    assert (list(report.delivered), report.problems) == ([run.run_id], [])
    record = find_run(store, run.run_id)
    assert record.info.status == "FINISHED"
    history = mlflow.MlflowClient(server.uri).get_metric_history(run.run_id, "loss")
    assert sorted(m.step for m in history) == list(range(STEPS))
    fetched = fetch_artifact(store, run.run_id, "evaluation/page.html", tmp_path / "back")
    assert fetched.read_text() == "a page"
