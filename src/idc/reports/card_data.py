"""The metadata of a model card: what the Hugging Face Hub reads."""

import re
from typing import Any

from idc.reports.phrases import metric_name
from idc.reports.run_input import RunReport
from idc.reports.run_tables import HEADLINES

# Names of the Hub's metrics where it has one; the others keep ours.
HUB_METRICS = {"auroc": "roc_auc"}
AT_THRESHOLD = ("recall", "specificity", "precision", "f1", "balanced_accuracy", "accuracy")


def card_data(report: RunReport) -> dict[str, Any]:
    """The front matter: without a licence unless one was given, and without what is undefined."""
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
        dataset = {"type": slug(name), "name": name, "split": "test"}
        task = {"type": "image-classification", "name": "Patch classification"}
        result = {"task": task, "dataset": dataset, "metrics": results}
        data["model-index"] = [{"name": report.name, "results": [result]}]
    return data


def _results(report: RunReport) -> list[dict[str, Any]]:
    found = []
    for name in HEADLINES:
        value = report.value(f"test/{name}")
        if value is None:
            continue
        words = metric_name(name, short=True)
        words = words if words[0].isupper() else words.capitalize()
        about = []
        if not report.two_classes and name != "accuracy":
            about.append("mean over classes")
        if report.threshold is not None and name in AT_THRESHOLD:
            about.append(f"at threshold {report.threshold:.3f}")
        if (bounds := report.interval(f"test/{name}")) is not None:
            about.append(f"interval {bounds[0]:.3f} to {bounds[1]:.3f}")
        if report.leaky:
            about.append("leaky")
        label = f"{words} ({', '.join(about)})" if about else words
        found.append({"type": HUB_METRICS.get(name, name), "value": round(value, 6), "name": label})
    return found


def slug(name: str) -> str:
    """A name in small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "data"
