"""The courier: nobody waits for a store that is away, and all arrives when it is back."""

import shutil
import time
from pathlib import Path

import mlflow
import pytest
from gate import ADDRESS, Gate, gate_before

from idc.errors import CheckpointError, TrackingError
from idc.tracking import courier as couriers
from idc.tracking.courier import courier_of, flush_all
from idc.tracking.journal import Journal
from idc.tracking.leftovers import deliver_leftover
from idc.tracking.lookup import children, find_run
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore, open_store

BOUND = 30.0  # seconds; MLflow's own repetitions of a single call take four minutes


@pytest.fixture
def gate(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    shutil.copyfile(empty_database, tmp_path / "server.db")
    monkeypatch.setattr(couriers, "FIRST_PAUSE", 0.05)
    return gate_before(tmp_path / "server.db", monkeypatch)


def reach(tmp_path: Path, require: bool = False) -> MlflowStore:
    store = open_store("server", ADDRESS, "idc", tmp_path / "mlruns", require=require)
    assert store is not None
    return store


def test_a_server_that_is_away_at_the_start(gate: Gate, tmp_path: Path) -> None:
    gate.is_open = False
    with pytest.raises(TrackingError, match="cannot be used"):
        reach(tmp_path, require=True)
    began = time.monotonic()
    run = MlflowRun(reach(tmp_path), name="a")
    run.params({"lr": 0.1})
    for step in range(2000):
        run.metrics({"loss": 1.0 / (step + 1)}, step)
    run.end("FINISHED")
    (sentence,) = flush_all()
    assert time.monotonic() - began < BOUND
    assert run.run_id.startswith("local-")
    assert run.run_id in sentence
    assert gate.calls < 20  # one breaker for all: two thousand metrics are not two thousand tries
    gate.is_open = True
    report = deliver_leftover(tmp_path / "mlruns" / "journal", ADDRESS)
    ((run_id, count),) = report.delivered.items()
    assert (count, report.problems) == (2003, [])
    record = find_run(reach(tmp_path), run.run_id)
    assert (record.info.run_id, record.info.status) == (run_id, "FINISHED")
    client = mlflow.MlflowClient(ADDRESS)
    history = client.get_metric_history(run_id, "loss")
    assert sorted(m.step for m in history) == list(range(2000))
    assert deliver_leftover(tmp_path / "mlruns" / "journal", ADDRESS).delivered == {}


def test_a_server_that_goes_and_comes_back(gate: Gate, tmp_path: Path) -> None:
    store = reach(tmp_path)
    run = MlflowRun(store, name="a")
    assert not run.run_id.startswith("local-")
    run.metrics({"loss": 0.5}, 0)
    assert find_run(store, run.run_id).data.metrics == {"loss": 0.5}
    gate.is_open = False
    run.metrics({"loss": 0.4}, 1)
    with pytest.raises(TrackingError, match="does not answer"):
        find_run(store, run.run_id)
    run.metrics({"loss": 0.3}, 2)
    gate.is_open = True
    deadline = time.monotonic() + BOUND
    while courier_of(ADDRESS, store.journals).away and time.monotonic() < deadline:
        time.sleep(0.01)
    run.end("FINISHED")
    assert find_run(store, run.run_id).info.status == "FINISHED"
    history = mlflow.MlflowClient(ADDRESS).get_metric_history(run.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(0, 0.5), (1, 0.4), (2, 0.3)]
    assert list(store.journals.glob("*-*")) == []  # nothing is kept of what has arrived


@pytest.mark.parametrize("calls", [0, 1, 2, 3, 4, 5])
def test_a_server_that_goes_at_any_moment(gate: Gate, tmp_path: Path, calls: int) -> None:
    store = reach(tmp_path)
    gate.close_after = calls
    parent = MlflowRun(store, name="sweep")
    child = MlflowRun(store, name="child", parent=parent.run_id)
    child.params({"lr": 0.1})
    child.metrics({"test/f1": 0.5})
    child.end("FINISHED")
    parent.end("FINISHED")
    flush_all()
    gate.is_open, gate.close_after = True, None
    assert deliver_leftover(store.journals, ADDRESS).problems == []
    store = reach(tmp_path)
    (record,) = children(store, parent.run_id)
    assert record.data.metrics == {"test/f1": 0.5}
    assert record.data.params == {"lr": "0.1"}
    runs = mlflow.MlflowClient(ADDRESS).search_runs([store.experiment_id])
    assert sorted((r.info.run_name, r.info.status) for r in runs) == [
        ("child", "FINISHED"),
        ("sweep", "FINISHED"),
    ]


def test_a_run_that_waits_for_its_server_says_so(gate: Gate, tmp_path: Path) -> None:
    gate.is_open = False
    run = MlflowRun(reach(tmp_path), name="a")
    flush_all()
    gate.is_open = True
    with pytest.raises(CheckpointError, match=r"idc\.sync"):
        find_run(MlflowStore(ADDRESS, "1", journals=tmp_path / "elsewhere"), run.run_id)


def test_a_run_whose_process_was_killed_is_closed(gate: Gate, tmp_path: Path) -> None:
    store = reach(tmp_path)
    run = MlflowRun(store, name="a")
    run.metrics({"loss": 0.5}, 0)
    find_run(store, run.run_id)
    (folder,) = store.journals.glob("*-*")
    courier = courier_of(ADDRESS, store.journals)
    for journal, _ in courier._journals:  # as the kernel does at a kill
        journal.release()
    couriers._couriers.clear()
    assert deliver_leftover(store.journals, ADDRESS).problems == []
    assert not folder.exists()
    assert find_run(reach(tmp_path), run.run_id).info.status == "KILLED"


def test_what_the_store_refuses_is_kept_and_holds_up_nothing(gate: Gate, tmp_path: Path) -> None:
    store = reach(tmp_path)
    run = MlflowRun(store, name="a")
    run.metrics({"loss": 0.5}, 0)
    run._journal.append("metrics", values={"not // allowed": 1.0}, step=0, time=1)
    run.metrics({"loss": 0.4}, 1)
    run.end("FINISHED")
    record = find_run(store, run.run_id)
    assert (record.info.status, record.data.metrics) == ("FINISHED", {"loss": 0.4})
    (sentence,) = flush_all()
    assert "refuses 1 " in sentence
    (folder,) = store.journals.glob("*-*")
    journal = Journal.take_over(folder)
    assert journal is not None
    assert len(journal.refused()) == 1
