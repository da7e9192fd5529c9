"""Delivery: whatever fails on the way, the store holds in the end what it would hold otherwise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import mlflow
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils.file_utils import local_file_uri_to_path

from idc.tracking.journal import About, Journal, RunIds
from idc.tracking.journal_delivery import JOURNAL_TAG, Delivery, first_batch
from idc.tracking.mlflow_store import MlflowStore, open_store

Fault = Literal["none", "before", "after", "killed"]
WRITES = ("log_", "create_", "set_", "update_", "delete_", "finalize_")


class Faulty:
    """A client some of whose writing calls fail, before or after they had their effect."""

    def __init__(self, client: mlflow.MlflowClient, faults: list[Fault]) -> None:
        self._client = client
        self._faults = faults

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            fault = self._faults.pop() if self._faults and name.startswith(WRITES) else "none"
            if fault == "before":
                raise MlflowException("connection refused")
            answer = method(*args, **options)
            if fault != "none":
                raise (KeyboardInterrupt if fault == "killed" else MlflowException)(fault)
            return answer

        return call


@pytest.fixture
def store(tmp_path: Path, ready_made_store: None) -> MlflowStore:
    made = open_store("local", None, "idc", tmp_path / "mlruns")
    assert made is not None
    return made


def written(store: MlflowStore, folder: Path, local: str) -> Journal:
    """A journal with an entry of each kind."""
    journal = Journal.create(folder, About(local, store.uri, "idc"))
    journal.append("create", name="a", parent=None, start=1)
    journal.append("params", values={"lr": "0.1", "seed": "1"})
    journal.append("tags", values={"note": f"see runs:/{local}/model"})
    journal.append("dataset", name="d", digest="x", context="train", profile="{}", schema="{}")
    for step in range(3):
        journal.append("metrics", values={"loss": 1 / (step + 1), "f1": 0.5}, step=step, time=9)
    journal.append("metrics", values={"test/f1": 0.7}, step=0, time=9)
    page = folder / "page.html"
    page.write_text(f"run {local}")
    journal.append("artifact", file=journal.keep(page), under="report")
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "MLmodel").write_text(yaml.safe_dump({"artifact_path": "model"}))
    journal.append("model", folder=journal.keep(model), token=f"m-{local}")
    journal.append("reopen")
    journal.append("end", status="FINISHED", time=99)
    return journal


def deliver(store: MlflowStore, journal: Journal, faults: list[Fault]) -> None:
    client: Any = Faulty(mlflow.MlflowClient(store.uri), faults)
    ids = RunIds(journal.folder.parent)
    while journal.waiting:
        batch = first_batch(journal.entries())
        try:
            Delivery(client, journal, ids).deliver(batch)
        except MlflowException:
            continue
        except KeyboardInterrupt:  # another process takes it over
            journal.release()
            taken = Journal.take_over(journal.folder)
            assert taken is not None
            journal = taken
            continue
        journal.confirm(batch)
    journal.close()


def content(store: MlflowStore, run_id: str) -> dict[str, Any]:
    """All that the store holds of a run."""
    client = mlflow.MlflowClient(store.uri)
    run = client.get_run(run_id)
    metrics = {
        key: sorted((m.step, m.timestamp, m.value) for m in client.get_metric_history(run_id, key))
        for key in run.data.metrics
    }
    ours = {k: v for k, v in run.data.tags.items() if not k.startswith(("mlflow.", "idc."))}
    models = [
        m for m in client.search_logged_models([store.experiment_id]) if m.source_run_id == run_id
    ]
    page = Path(client.download_artifacts(run_id, "report/page.html")).read_text()
    return {
        "status": (run.info.status, run.info.start_time, run.info.end_time, run.info.run_name),
        "metrics": metrics,
        "params": run.data.params,
        "tags": {k: v.replace(run_id, "ID") for k, v in ours.items()},
        "inputs": [(i.dataset.name, i.dataset.digest) for i in run.inputs.dataset_inputs],
        "page": page.replace(run_id, "ID"),
        "outputs": len(run.outputs.model_outputs),
        "models": [(m.name, str(m.status), sorted(x.key for x in m.metrics or [])) for m in models],
    }


@pytest.mark.slow
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    phases=[Phase.generate],  # an example takes a second: do not shrink it
)
@given(
    faults=st.lists(
        st.sampled_from(["none", "before", "after", "killed"]), min_size=10, max_size=30
    )
)
def test_each_entry_arrives_once(
    store: MlflowStore, tmp_path_factory: pytest.TempPathFactory, faults: list[Fault]
) -> None:
    folder = tmp_path_factory.mktemp("journals")
    plain, local = f"local-{0:032x}", f"local-{1:032x}"
    for token, some in ((plain, []), (local, list(faults))):
        deliver(store, written(store, folder, token), some)
    ids = RunIds(folder)
    one, two = ids.resolve(plain), ids.resolve(local)
    assert one is not None
    assert two is not None
    assert content(store, two) == content(store, one)
    client = mlflow.MlflowClient(store.uri)
    result = client.search_runs([store.experiment_id], f"tags.`{JOURNAL_TAG}` = '{local}'")
    assert [run.info.run_id for run in result] == [two]
    for run_id in (one, two):  # the next example makes new ones
        client.delete_run(run_id)
        for model in client.search_logged_models([store.experiment_id]):
            client.delete_logged_model(model.model_id)


def test_what_is_delivered_is_what_was_logged(store: MlflowStore, tmp_path: Path) -> None:
    local = f"local-{1:032x}"
    deliver(store, written(store, tmp_path, local), [])
    result = content(store, str(RunIds(tmp_path).resolve(local)))
    assert result["status"] == ("FINISHED", 1, 99, "a")
    assert result["metrics"]["loss"] == [(0, 9, 1.0), (1, 9, 0.5), (2, 9, 1 / 3)]
    assert result["params"] == {"lr": "0.1", "seed": "1"}
    assert result["tags"] == {"note": "see runs:/ID/model"}
    assert result["page"] == "run ID"
    assert result["inputs"] == [("d", "x")]
    assert result["models"] == [("a", "READY", ["test/f1"])]


def test_a_models_files_are_on_the_disk_once(store: MlflowStore, tmp_path: Path) -> None:
    local = f"local-{1:032x}"
    deliver(store, written(store, tmp_path, local), ["before", "after", "none"] * 9)
    client, run_id = mlflow.MlflowClient(store.uri), str(RunIds(tmp_path).resolve(local))
    (model,) = client.search_logged_models([store.experiment_id])
    places = (client.get_run(run_id).info.artifact_uri + "/model", model.artifact_location)
    one, two = (Path(local_file_uri_to_path(place)) / "MLmodel" for place in places)
    assert one.samefile(two)
    assert yaml.safe_load(one.read_text())["model_id"] == model.model_id
