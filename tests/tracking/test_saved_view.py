"""The view that an experiment opens with: metrics that runs have, in a tag that MLflow takes."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import mlflow
import pytest

from idc.tracking.metric_table import is_shown
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import open_store
from idc.tracking.saved_view import TAG, view_tags
from idc.tracking.ui import links

LIMIT = 5000  # characters of an experiment's tag


def state_of(tag: str) -> dict[str, Any]:
    packed = json.loads(tag)["state"].removeprefix("deflate;")
    state: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return state


def test_the_view_shows_metrics_that_runs_have() -> None:
    (tag,) = view_tags().values()
    assert len(tag) < LIMIT
    state = state_of(tag)
    columns = [name.split("`")[1] for name in state["selectedColumns"] if "metrics." in name]
    charts = [chart["metricKey"] for chart in state["compareRunCharts"]]
    assert columns
    assert all(map(is_shown, [*columns, *charts]))
    assert state["orderByKey"] in state["selectedColumns"]
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections


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
    assert state_of(tag)["orderByKey"] == "metrics.`test/f1`"
    client.set_experiment_tag(store.experiment_id, TAG, "changed by a person")
    open_store("local", None, "tissue", mlruns)
    assert client.get_experiment(store.experiment_id).tags[TAG] == "changed by a person"
