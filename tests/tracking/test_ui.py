"""Links to the views of experiments that have runs."""

from pathlib import Path

import mlflow
import pytest

from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import open_store
from idc.tracking.saved_view import TAG, view_tags
from idc.tracking.ui import links


@pytest.mark.parametrize("older", [False, True])
def test_every_experiment_with_runs_has_its_link(
    tmp_path: Path, ready_made_store: None, older: bool
) -> None:
    mlruns = tmp_path / "mlruns"
    store = open_store("local", None, "tissue", mlruns)
    assert store is not None
    client = mlflow.MlflowClient(store.uri)
    if older:
        client.delete_experiment_tag(store.experiment_id, TAG)
    assert links(store.uri, "http://here:1") == []
    MlflowRun(store, name="a").end("FINISHED")
    (line,) = links(store.uri, "http://here:1")
    assert line.startswith("tissue: http://here:1/#/experiments/")
    tag = client.get_experiment(store.experiment_id).tags[TAG]
    assert tag == view_tags()[TAG]
    client.set_experiment_tag(store.experiment_id, TAG, "changed by a person")
    open_store("local", None, "tissue", mlruns)
    assert client.get_experiment(store.experiment_id).tags[TAG] == "changed by a person"
