"""The view that an experiment opens with: metrics that runs have, in a tag that MLflow takes."""

import base64
import json
import zlib
from typing import Any

from idc.tracking.metric_table import is_shown
from idc.tracking.saved_view import view_tags

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
