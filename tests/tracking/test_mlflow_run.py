"""What a run logs, and what it leaves out."""

from pathlib import Path

import pytest

from idc.tracking.lookup import all_metrics, find_run
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore, open_store


@pytest.fixture
def store(tmp_path: Path, ready_made_store: None) -> MlflowStore:
    made = open_store("local", None, "idc", tmp_path / "mlruns")
    assert made is not None
    return made


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
