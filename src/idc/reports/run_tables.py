"""The tables of a run, for reading: on its page and in its model card."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from idc.reports.phrases import between, metric_name
from idc.reports.run_input import RunReport

# In the order of reading: what was missed comes first.
HEADLINES = (
    *("recall", "specificity", "precision", "f1", "balanced_accuracy", "accuracy"),
    *("auroc", "average_precision"),
)
CALIBRATION = {
    "ece": "expected calibration error",
    "brier": "Brier score",
    "log_loss": "log loss",
}
SETTINGS = {
    "backbone": "choices.backbone",
    "timm model": "backbone.model",
    "first weights": "backbone.weights",
    "frozen": "backbone.freeze",
    "head": "choices.head",
    "loss": "choices.loss",
    "class weights": "loss.class_weights",
    "optimizer": "choices.optimizer",
    "learning rate": "optimizer.lr",
    "weight decay": "optimizer.weight_decay",
    "learning rate schedule": "choices.scheduler",
    "epochs at most": "trainer.max_epochs",
    "batch size": "loader.batch_size",
    "sampling": "loader.sampler",
    "augmentation": "choices.augment",
    "network's input, px": "data.image_size",
    "watched for the best epoch": "monitor.metric",
    "split": "choices.split",
    "folds": "split.folds",
    "fold": "split.fold",
    "seed": "seed",
}


def meanings(report: RunReport) -> dict[str, str]:
    """What each headline metric says of this run."""
    if not report.two_classes:
        return {
            "recall": "the share of a class that was named rightly, mean over the classes",
            "specificity": "the share of the other patches not taken for a class, mean over them",
            "precision": "how often a class is right where it was named, mean over the classes",
            "f1": "recall and precision in one number, mean over the classes",
            "balanced_accuracy": "the same as the mean recall",
            "accuracy": "share of all patches named rightly; rare classes hardly count",
            "auroc": "each class against the rest, over all thresholds, mean",
            "average_precision": "each class against the rest, over all thresholds, mean",
        }
    yes, no = report.positive, report.negative
    share = float((report.test["label"] == 1).mean()) if len(report.test) else float("nan")
    return {
        "recall": f"of the patches labelled {yes}, the share it found",
        "specificity": f"of the patches labelled {no}, the share it left alone",
        "precision": f"of the patches it called {yes}, the share labelled {yes}",
        "f1": "recall and precision in one number",
        "balanced_accuracy": "mean of recall and specificity; 0.5 is guessing",
        "accuracy": f"share of right decisions; {max(share, 1 - share):.3f} by never looking",
        "auroc": f"chance that {yes} scores higher than {no}; 0.5 is guessing",
        "average_precision": f"precision over all thresholds; {share:.3f} is guessing",
    }


def headline_table(report: RunReport) -> pd.DataFrame:
    """The test metrics: ``measure``, ``value``, ``interval``, ``at 0.5`` (two classes), ``says``.

    Metrics that are undefined are left out; what has no threshold has NaN at 0.5.
    """
    explained = meanings(report)
    rows: list[dict[str, Any]] = []
    for name in HEADLINES:
        if (value := report.value(f"test/{name}")) is None:
            continue
        row: dict[str, Any] = {"measure": metric_name(name), "value": value}
        row["interval"] = between(report.interval(f"test/{name}"))
        if report.two_classes:
            row["at 0.5"] = report.value(f"test/{name}_at_0.5")
        rows.append(row | {"what it says": explained[name]})
    frame = pd.DataFrame(rows)
    if "at 0.5" in frame:
        frame["at 0.5"] = frame["at 0.5"].astype(float)
    return frame


def class_table(report: RunReport) -> pd.DataFrame:
    """Each class: ``class``, ``patches``, ``recall``, ``precision``, ``most often taken for``."""
    test, names = report.test, [str(n) for n in report.class_names]
    labels = test["label"].to_numpy(np.int64)
    predicted = test["predicted"].to_numpy(np.int64)
    k = len(names)
    matrix = np.bincount(labels * k + predicted, minlength=k * k).reshape(k, k)
    wrong = matrix - np.diag(np.diag(matrix))
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.diag(matrix) / matrix.sum(1)
        precision = np.diag(matrix) / matrix.sum(0)
    taken = [names[row.argmax()] if row.any() else "-" for row in wrong]
    return pd.DataFrame(
        {
            "class": names,
            "patches": matrix.sum(1),
            "recall": recall,
            "precision": precision,
            "most often taken for": taken,
        }
    )


def baseline_table(report: RunReport) -> pd.DataFrame:
    """The baselines, as given or out of the metrics ``baseline/<name>/<metric>``."""
    if len(report.baselines):
        return report.baselines
    found: dict[str, dict[str, Any]] = {}
    for name, value in report.metrics.items():
        if name.startswith("baseline/") and name.count("/") == 2:
            _, baseline, metric = name.split("/")
            found.setdefault(baseline, {"baseline": baseline})[metric] = value
    return pd.DataFrame(list(found.values()))


def beside_baselines(report: RunReport) -> pd.DataFrame:
    """The model and the baselines, best AUROC first: ``who`` and the metrics they share."""
    table = baseline_table(report)
    if table.empty:
        return table
    shared = [m for m in HEADLINES if m in table and report.value(f"test/{m}") is not None]
    own = {m: report.value(f"test/{m}") for m in shared}
    rows = [{"who": "the model", **own}]
    for row in table.to_dict("records"):
        named = {"who": f"baseline: {str(row['baseline']).replace('_', ' ')}"}
        rows.append(named | {m: row[m] for m in shared})
    frame = pd.DataFrame(rows)
    if "auroc" in frame:
        frame = frame.sort_values("auroc", ascending=False, kind="stable", ignore_index=True)
    return frame.rename(columns={m: metric_name(m, short=True) for m in shared})


def calibration_table(report: RunReport) -> pd.DataFrame:
    """``measure``, ``now`` and, where scores were calibrated, ``before calibration``."""
    rows = []
    for name, words in CALIBRATION.items():
        now, before = report.value(f"test/{name}"), report.value(f"test/{name}_uncalibrated")
        if now is not None:
            rows.append((words, now, np.nan if before is None else before))
    frame = pd.DataFrame(rows, columns=["measure", "now", "before calibration"])
    return frame.dropna(axis=1, how="all")


def settings(report: RunReport) -> pd.DataFrame:
    """``setting`` and ``value`` of what a training is repeated by; unset ones are left out."""
    return pd.DataFrame(_settings(report), columns=["setting", "value"])


def _settings(report: RunReport) -> Iterator[tuple[str, str]]:
    for name, place in SETTINGS.items():
        value = report.setting(place)
        if value is None or (name == "fold" and report.setting("split.folds") is None):
            continue
        text = str(value)
        # A weights file's folder says where somebody keeps things, not what was learnt.
        yield name, text.rpartition("/")[2] if name == "first weights" else text
