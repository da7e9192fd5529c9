"""The saved view of an experiment in MLflow's user interface: chosen columns, order and charts.

MLflow keeps a view as a tag of the experiment, and opens it by a link with the tag's key. The
format is that of MLflow 3.17, whose interface has a menu *Views*.
"""

import base64
import json
import zlib
from contextlib import suppress
from typing import Any

import mlflow
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException

KEY = "idc"
TAG = f"mlflow.sharedViewState.{KEY}"
NAME = "Results"
COLUMNS = (
    *("metrics.`test/f1`", "metrics.`test/f1_ci_low`", "metrics.`test/f1_ci_high`"),
    *("metrics.`test/recall`", "metrics.`test/specificity`", "metrics.`test/auroc`"),
    *("metrics.`test/average_precision`", "params.`backbone`", "params.`data`", "params.`seed`"),
    "attributes.`Description`",
)
RUN = "attributes.`Run Name`"
WIDTHS = {**dict.fromkeys(COLUMNS, 88), RUN: 300, "attributes.`Description`": 420}  # pixels
ORDER = "metrics.`test/f1`"
# The sections of the chart view, and which charts come first in each.
CHARTS = {
    "test": ("f1", "recall", "specificity", "precision", "auroc", "average_precision"),
    "val": ("f1", "recall", "auroc", "loss"),
    "train": ("loss", "f1", "recall", "auroc"),
}
FOLDED = ("train/lr", "time", "best", "sweep", "data", "review", "System metrics")
CREATED = 1_767_225_600_000  # milliseconds since 1970; only orders the menu


def view_tags() -> dict[str, str]:
    """The experiment's tag that holds the view."""
    state = zlib.compress(json.dumps(_state(), separators=(",", ":")).encode(), 9)
    packed = f"deflate;{base64.b64encode(state).decode()}"
    return {
        TAG: json.dumps({"name": NAME, "createdAt": CREATED, "updatedAt": CREATED, "state": packed})
    }


def ensure_view(client: mlflow.MlflowClient, experiment: Experiment) -> None:
    """Give an experiment of older code the view; one that has it, or was changed, stays."""
    for key, value in view_tags().items():
        if key not in experiment.tags:
            with suppress(MlflowException):  # this user may only read
                client.set_experiment_tag(experiment.experiment_id, key, value)


def view_link(address: str, experiment_id: str) -> str:
    """Link to the view.

    Args:
        address: The user interface's address, ``http://HOST:PORT``.
        experiment_id: The experiment's id.
    """
    query = f"workflowType=machine_learning&viewStateShareKey={KEY}"
    return f"{address}/#/experiments/{experiment_id}/runs?{query}"


def _state() -> dict[str, Any]:
    sections = [_section(name, True) for name in CHARTS]
    sections += [_section(name, False) for name in FOLDED]
    return {
        "searchFilter": "",
        "orderByKey": ORDER,
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(COLUMNS),
        "columnOrder": [RUN, *COLUMNS],
        "columnWidths": WIDTHS,
        "compareRunSections": sections,
        "compareRunCharts": [
            _chart(section, name) for section, names in CHARTS.items() for name in names
        ],
        "isAccordionReordered": True,
    }


def _section(name: str, unfolded: bool) -> dict[str, Any]:
    flags = {"display": unfolded, "isReordered": True, "deleted": False, "isGenerated": True}
    return {"uuid": name, "name": name, **flags}


def _chart(section: str, name: str) -> dict[str, Any]:
    """A bar per run; the interface makes curves of metrics that have a course."""
    return {
        "uuid": f"{section}/{name}",
        "type": "BAR",
        "runsCountToCompare": 10,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": True,
        "metricKey": f"{section}/{name}",
        "displayName": name,
    }
