"""The tables of a run for its page and its model card."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from idc.metrics.definitions import METRIC_NAMES, METRICS
from idc.reports.formats import interval_text, metric_name, with_interval
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
PER_PATIENT = {
    "patient": "patient",
    "patches": "patches",
    "labelled": "positive",
    "fn": "missed",
    "fp": "false alarms",
    "recall": "recall",
    "specificity": "specificity",
    "f1": "F1",
    "auroc": "AUROC",
    "fraction_true": "share positive",
    "fraction_predicted": "share called",
}
SLICES = {
    "slice": "by",
    "value": "which",
    "patches": "patches",
    "patients": "patients",
    "recall": "recall",
    "specificity": "specificity",
    "error_rate": "share of errors",
}
METHODS = {
    "model": "model",
    "method": "method",
    "verdict": "verdict",
    "drop_over_random": "gain over random maps",
    "drop_over_random_low": "from",
    "drop_over_random_high": "to",
    "randomisation_similarity": "similarity after shuffling weights",
    "pointing_game": "pointing game",
    "localisation": "localisation",
}
TRUST = "trust"  # the verdict on a faithful method


def metric_meanings(report: RunReport) -> dict[str, str]:
    """Meaning of each metric for this run."""
    if not report.two_classes:
        return {name: metric.meaning_of_more for name, metric in METRICS.items()}
    share = float((report.test["label"] == 1).mean()) if len(report.test) else float("nan")
    words = {"yes": report.positive, "no": report.negative}
    words |= {"share": f"{share:.3f}", "most": f"{max(share, 1 - share):.3f}"}
    return {name: metric.meaning.format_map(words) for name, metric in METRICS.items()}


def named_columns(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """The columns of a table that have a name for display, under it."""
    return table[[name for name in names if name in table]].rename(columns=dict(names))


def headline_table(report: RunReport) -> pd.DataFrame:
    """The test metrics: ``measure``, ``value``, ``interval``, ``at 0.5`` (binary), ``meaning``.

    Undefined metrics are omitted; metrics without a threshold have NaN at 0.5.
    """
    meanings = metric_meanings(report)
    rows: list[dict[str, Any]] = []
    for name in METRIC_NAMES:
        if (value := report.value(f"test/{name}")) is None:
            continue
        row: dict[str, Any] = {"measure": metric_name(name), "value": value}
        row["interval"] = interval_text(report.interval(f"test/{name}"))
        if report.two_classes:
            row["at 0.5"] = report.metrics.get(f"test/{name}_at_0.5", np.nan)
        rows.append(row | {"meaning": meanings[name]})
    return pd.DataFrame(rows)


def class_table(report: RunReport) -> pd.DataFrame:
    """Each class: ``class``, ``patches``, ``recall``, ``precision``, ``most often confused with``.

    The last one is the class most often predicted instead.
    """
    names = [str(name) for name in report.class_names]
    order = range(len(names))
    matrix = pd.crosstab(report.test["label"], report.test["predicted"])
    counts = matrix.reindex(index=order, columns=order, fill_value=0).to_numpy()
    wrong = counts - np.diag(np.diag(counts))
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.diag(counts) / counts.sum(1)
        precision = np.diag(counts) / counts.sum(0)
    return pd.DataFrame(
        {
            "class": names,
            "patches": counts.sum(1),
            "recall": recall,
            "precision": precision,
            "most often confused with": [
                names[row.argmax()] if row.any() else "-" for row in wrong
            ],
        }
    )


def baseline_comparison(report: RunReport) -> pd.DataFrame:
    """The model and the baselines, highest AUROC first: ``who`` and the common metrics."""
    table = report.baselines
    if table.empty:
        return table
    shared = [m for m in METRIC_NAMES if m in table and report.value(f"test/{m}") is not None]
    own = {m: report.value(f"test/{m}") for m in shared}
    who = "baseline: " + table["baseline"].astype(str).str.replace("_", " ")
    frame = pd.concat(
        [pd.DataFrame([{"who": "the model", **own}]), table[shared].assign(who=who)],
        ignore_index=True,
    )
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
    rows = [
        (words, report.value(f"test/{name}"), report.value(f"test/{name}_uncalibrated"))
        for name, words in CALIBRATION.items()
    ]
    frame = pd.DataFrame(rows, columns=["measure", "now", "before calibration"])
    frame = frame.astype({"now": float, "before calibration": float})
    return frame.dropna(subset="now").dropna(axis=1, how="all")


def settings_table(report: RunReport) -> pd.DataFrame:
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


def patient_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table of patients for display, lowest recall first."""
    if {"tp", "fn"} <= set(table.columns):
        table = table.assign(labelled=table["tp"] + table["fn"])
    if "recall" in table:
        table = table.sort_values("recall", na_position="last", kind="stable")
    return named_columns(table, PER_PATIENT)


def patient_summary(report: RunReport) -> pd.DataFrame:
    """Distribution of metrics over the test patients: worst, lower quartile, median, best."""
    names = [n for n in ("recall", "specificity", "f1", "auroc") if n in report.per_patient]
    values = report.per_patient[names].astype(float).dropna(axis=1, how="all")
    table = values.quantile([0, 0.25, 0.5, 1]).T.set_axis(
        ["worst", "a quarter below", "median", "best"], axis=1
    )
    table.insert(0, "patients", values.count())
    table.insert(0, "measure", [metric_name(name, short=True) for name in table.index])
    return table


def slice_table(report: RunReport) -> pd.DataFrame:
    """The slices of the test split for display, with their intervals."""
    table = report.slices.copy()
    for name in ("recall", "specificity", "error_rate"):
        if name in table:
            table[name] = _with_interval(table, name)
    for name in ("slice", "value"):
        if name in table:
            table[name] = table[name].astype(str).str.replace("_", " ")
    return named_columns(table, SLICES)


def _with_interval(table: pd.DataFrame, name: str) -> list[str]:
    """A column as text, with its intervals if there are any."""
    ends = [f"{name}_ci_low", f"{name}_ci_high"]
    rows = table.reindex(columns=[name, *ends]).astype(float).itertuples(index=False, name=None)
    return [with_interval(*row) for row in rows]


def method_table(methods: pd.DataFrame) -> pd.DataFrame:
    """The faithfulness of the methods for display, without empty columns."""
    return named_columns(methods.dropna(axis=1, how="all"), METHODS)
