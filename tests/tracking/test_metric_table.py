"""MLflow shows what a person compares runs by; every other number is in a table of the run."""

from pathlib import Path

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.errors import CheckpointError
from idc.tracking.lookup import all_metrics, fetch_artifact, find_run
from idc.tracking.metric_table import HEADLINE, is_shown, read_table, write_table
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore, open_store


@pytest.fixture
def store(tmp_path: Path, ready_made_store: None) -> MlflowStore:
    made = open_store("local", None, "idc", tmp_path / "mlruns")
    assert made is not None
    return made


def test_headlines_are_mlflows_own_and_come_first(store: MlflowStore) -> None:
    assert all(map(is_shown, HEADLINE))
    run = MlflowRun(store, name="a")
    rest = {"test/slice/pale/f1": 0.25, "leaks/patients": 0.0, "test/patient_9/f1": 0.5}
    run.metrics({**rest, "test/loss": 1.0, **dict.fromkeys(reversed(HEADLINE), 0.5)})
    run.metrics({"some/course": 2.0}, step=3)  # only MLflow keeps a course
    record = find_run(store, run.run_id)
    assert list(record.data.metrics) == [*HEADLINE, "test/loss", "some/course"]
    assert all_metrics(store, record) == {**record.data.metrics, **rest}


def test_a_table_grows_and_the_newest_number_counts(store: MlflowStore) -> None:
    first = MlflowRun(store, name="a")
    first.metrics({"audit/ink": 1.0})
    first.metrics({"audit/glass": 2.0})
    first.end("FINISHED")
    later = MlflowRun(store, first.run_id, reopen=False)  # explains it
    later.metrics({"audit/ink": 3.0, "explain/x": 4.0})
    assert all_metrics(store, find_run(store, first.run_id)) == {
        "audit/ink": 3.0,
        "audit/glass": 2.0,
        "explain/x": 4.0,
    }
    resumed = MlflowRun(store, first.run_id)
    resumed.metrics({"audit/ink": 5.0})
    # Resumed, it measures anew; what others added stays.
    assert all_metrics(store, find_run(store, first.run_id)).keys() == {"audit/ink", "explain/x"}


def test_a_run_of_older_code_has_all_metrics_in_mlflow(store: MlflowStore) -> None:
    client = mlflow.MlflowClient(store.uri)
    run_id = client.create_run(store.experiment_id).info.run_id
    client.log_metric(run_id, "leaks/patients", 0.0)
    assert all_metrics(store, find_run(store, run_id)) == {"leaks/patients": 0.0}


def test_a_damaged_table_is_named(store: MlflowStore, tmp_path: Path) -> None:
    run = MlflowRun(store, name="a")
    run.metrics({"audit/ink": 1.0})
    path = fetch_artifact(store, run.run_id, "metrics/details.csv", tmp_path / "back")
    path.write_text("metric,value\naudit/ink,on")
    run.artifacts(path, "metrics")
    with pytest.raises(CheckpointError, match=r"details\.csv.*damaged"):
        all_metrics(store, find_run(store, run.run_id))


@given(
    st.dictionaries(
        st.text('abc/_.: -,"', min_size=1), st.floats(allow_nan=False, allow_infinity=False)
    )
)
def test_numbers_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, float]
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.csv"
    write_table(values, path)
    assert read_table(path) == values
