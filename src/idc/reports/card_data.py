"""The metadata of a model card for the Hugging Face Hub."""

import re
from typing import Any

from idc.metrics.definitions import AT_DECISION, METRIC_NAMES
from idc.reports.formats import metric_name
from idc.reports.run_input import RunReport

# The Hub's names of metrics, where they differ from ours.
HUB_METRICS = {"auroc": "roc_auc"}


def card_data(report: RunReport) -> dict[str, Any]:
    """The front matter, without a licence if none was given, and without undefined metrics."""
    card = report.card
    data: dict[str, Any] = {}
    if report.license:
        data["license"] = report.license
    data["library_name"] = "pytorch"
    data["pipeline_tag"] = "image-classification"
    backbone = str(report.setting("choices.backbone") or "")
    tags = ["medical-imaging", "research-only", "mlflow", *card.tags, backbone]
    data["tags"] = list(dict.fromkeys(tag for tag in tags if tag))
    results = _results(report)
    data["metrics"] = [metric["type"] for metric in results]
    if results:
        other = report.test_data_words if report.kind != "train" else ""
        name = other or card.title
        dataset = {"type": _hub_id(name), "name": name, "split": "test"}
        task = {"type": "image-classification", "name": "Patch classification"}
        result = {"task": task, "dataset": dataset, "metrics": results}
        data["model-index"] = [{"name": report.name, "results": [result]}]
    return data


def _results(report: RunReport) -> list[dict[str, Any]]:
    results = []
    for name in METRIC_NAMES:
        value = report.value(f"test/{name}")
        if value is None:
            continue
        words = metric_name(name, short=True)
        words = words if words[0].isupper() else words.capitalize()
        about = []
        if not report.two_classes and name != "accuracy":
            about.append("mean over classes")
        if report.threshold is not None and name in AT_DECISION:
            about.append(f"at threshold {report.threshold:.3f}")
        if (bounds := report.interval(f"test/{name}")) is not None:
            about.append(f"interval {bounds[0]:.3f} to {bounds[1]:.3f}")
        if report.leaky:
            about.append("leaky")
        label = f"{words} ({', '.join(about)})" if about else words
        kind = HUB_METRICS.get(name, name)
        results.append({"type": kind, "value": round(value, 6), "name": label})
    return results


def _hub_id(name: str) -> str:
    """A name in lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "data"
