"""The tables of a run for its page and its model card."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from idc.metrics.definitions import METRIC_NAMES, METRICS
from idc.reports.formats import interval_text, metric_name
from idc.reports.run_input import RunReport

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


def metric_meanings(report: RunReport) -> dict[str, str]:
    """Meaning of each metric for this run."""
    if not report.two_classes:
        return {name: metric.meaning_of_more for name, metric in METRICS.items()}
    share = float((report.test["label"] == 1).mean()) if len(report.test) else float("nan")
    words = {"yes": report.positive, "no": report.negative}
    words |= {"share": f"{share:.3f}", "most": f"{max(share, 1 - share):.3f}"}
    return {name: metric.meaning.format_map(words) for name, metric in METRICS.items()}


def headline_table(report: RunReport) -> pd.DataFrame:
    """The test metrics: ``measure``, ``value``, ``interval``, ``at 0.5`` (binary), ``meaning``.

    Undefined metrics are omitted; metrics without a threshold have NaN at 0.5.
    """
    explained = metric_meanings(report)
    rows: list[dict[str, Any]] = []
    for name in METRIC_NAMES:
        if (value := report.value(f"test/{name}")) is None:
            continue
        row: dict[str, Any] = {"measure": metric_name(name), "value": value}
        row["interval"] = interval_text(report.interval(f"test/{name}"))
        if report.two_classes:
            row["at 0.5"] = report.value(f"test/{name}_at_0.5")
        rows.append(row | {"meaning": explained[name]})
    frame = pd.DataFrame(rows)
    if "at 0.5" in frame:
        frame["at 0.5"] = frame["at 0.5"].astype(float)
    return frame


def class_table(report: RunReport) -> pd.DataFrame:
    """Each class: ``class``, ``patches``, ``recall``, ``precision``, ``most often confused with``.

    The last one is the class most often predicted instead.
    """
    test, names = report.test, [str(n) for n in report.class_names]
    labels = test["label"].to_numpy(np.int64)
    predicted = test["predicted"].to_numpy(np.int64)
    k = len(names)
    matrix = np.bincount(labels * k + predicted, minlength=k * k).reshape(k, k)
    wrong = matrix - np.diag(np.diag(matrix))
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.diag(matrix) / matrix.sum(1)
        precision = np.diag(matrix) / matrix.sum(0)
    confused = [names[row.argmax()] if row.any() else "-" for row in wrong]
    return pd.DataFrame(
        {
            "class": names,
            "patches": matrix.sum(1),
            "recall": recall,
            "precision": precision,
            "most often confused with": confused,
        }
    )


def baseline_table(report: RunReport) -> pd.DataFrame:
    """The baselines, as given or from the metrics ``baseline/<name>/<metric>``."""
    if len(report.baselines):
        return report.baselines
    rows: dict[str, dict[str, Any]] = {}
    for name, value in report.metrics.items():
        if name.startswith("baseline/") and name.count("/") == 2:
            _, baseline, metric = name.split("/")
            rows.setdefault(baseline, {"baseline": baseline})[metric] = value
    return pd.DataFrame(list(rows.values()))


def baseline_comparison(report: RunReport) -> pd.DataFrame:
    """The model and the baselines, highest AUROC first: ``who`` and the common metrics."""
    table = baseline_table(report)
    if table.empty:
        return table
    shared = [m for m in METRIC_NAMES if m in table and report.value(f"test/{m}") is not None]
    own = {m: report.value(f"test/{m}") for m in shared}
    rows = [{"who": "the model", **own}]
    for row in table.to_dict("records"):
        named = {"who": f"baseline: {str(row['baseline']).replace('_', ' ')}"}
        rows.append(named | {m: row[m] for m in shared})
    frame = pd.DataFrame(rows)
    if "auroc" in frame:
        frame = frame.sort_values("auroc", ascending=False, kind="stable", ignore_index=True)
    return frame.rename(columns={m: metric_name(m, short=True) for m in shared})


def smoothing_comparison(report: RunReport) -> pd.DataFrame:
    """Each metric plain and smoothed, their difference, and in how many patients it changed."""
    rows = []
    if report.smoothing.empty:
        return report.smoothing
    for row in report.smoothing.dropna(subset=["plain"]).to_dict("records"):
        shown = {"measure": metric_name(row["metric"]), "plain": row["plain"]}
        shown["smoothed"], shown["difference"] = row["smoothed"], f"{row['difference']:+.3f}"
        shown["interval"] = interval_text((row["low"], row["high"]))
        higher, lower = row["patients_higher"], row["patients_lower"]
        changed = "" if np.isnan(higher) else f"{higher:.0f} / {lower:.0f}"
        rows.append(shown | {"patients higher / lower": changed})
    return pd.DataFrame(rows)


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
    """``setting`` and ``value`` of the training settings, without unset ones."""
    return pd.DataFrame(_settings(report), columns=["setting", "value"])


def _settings(report: RunReport) -> Iterator[tuple[str, str]]:
    for name, place in SETTINGS.items():
        value = report.setting(place)
        if value is None or (name == "fold" and report.setting("split.folds") is None):
            continue
        text = str(value)
        # Without the folder of a weights file, which is private.
        yield name, text.rpartition("/")[2] if name == "first weights" else text
