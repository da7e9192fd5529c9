"""The tables of a run for its page and its model card, its provenance and its cost."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from idc.metrics.definitions import METRIC_NAMES, METRICS
from idc.reports.formats import duration, interval_text, metric_name, with_interval
from idc.reports.run_input import RunReport

CALIBRATION = {"ece": "expected calibration error", "brier": "Brier score", "log_loss": "log loss"}
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
    if report.multi_label:
        words = {"yes": "with a label", "no": "without it", "share": "the label's share"}
        words |= {"most": "the larger share"}
        return {n: f"{m.meaning.format_map(words)}; mean over labels" for n, m in METRICS.items()}
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
        if report.two_classes or report.multi_label:
            row["at 0.5"] = report.metrics.get(f"test/{name}_at_0.5", np.nan)
        rows.append(row | {"meaning": meanings[name]})
    return pd.DataFrame(rows)


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
    if report.smoothing.empty:
        return report.smoothing
    rows = []
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
    values = {name: report.setting(place) for name, place in SETTINGS.items()}
    if values["folds"] is None:
        del values["fold"]
    if values["first weights"] is not None:  # without the file's folder, which is private
        values["first weights"] = str(values["first weights"]).rpartition("/")[2]
    rows = [(name, str(value)) for name, value in values.items() if value is not None]
    return pd.DataFrame(rows, columns=["setting", "value"])


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
    """The slices of the test split for display, with their intervals if there are any."""
    table = report.slices.copy()
    for name in {"recall", "specificity", "error_rate"} & set(table):
        numbers = table.reindex(columns=[name, f"{name}_ci_low", f"{name}_ci_high"]).astype(float)
        table[name] = [with_interval(*row) for row in numbers.itertuples(index=False, name=None)]
    for name in {"slice", "value"} & set(table):
        table[name] = table[name].astype(str).str.replace("_", " ")
    return named_columns(table, SLICES)


def method_table(methods: pd.DataFrame) -> pd.DataFrame:
    """The faithfulness of the methods for display, without empty columns."""
    return named_columns(methods.dropna(axis=1, how="all"), METHODS)


def cost(report: RunReport) -> dict[str, str]:
    """Hardware, time and energy, each with whether it was measured."""
    costs = report.cost
    energy = costs.get("energy_kwh")
    words = str(costs.get("energy_words") or "")
    if energy is None:
        text = words or "not measured"
    else:
        # The text may begin with the energy of a part.
        about = re.sub(r"^[\d.e+-]+ kWh,? *", "", words)
        text = f"{float(energy):.3g} kWh{f'; {about}' if about else ''}"
    rows = {"hardware": str(costs.get("hardware") or "not recorded")}
    for key, name in (("train_seconds", "training took"), ("evaluate_seconds", "testing took")):
        seconds = costs.get(key)
        rows[name] = "not measured" if seconds is None else duration(float(seconds))
    return rows | {"energy": text}


def model_uri(report: RunReport) -> str:
    """MLflow URI of the evaluated model, or of the run's own; "" if it was not logged."""
    if report.model_uri:
        return report.model_uri
    kept = report.kind == "train" and report.setting("tracking.log_model") is not False
    return f"runs:/{report.run_id}/model" if kept and report.run_id else ""


def provenance(report: RunReport) -> pd.DataFrame:
    """Identifiers, cost and library versions of the run: ``item`` and ``value``."""
    items = {
        "run": report.run_id,
        "model": model_uri(report),
        "date": report.date,
        "code (git commit)": report.commit,
        **cost(report),
        **report.versions,
    }
    rows = [(name, str(value)) for name, value in items.items() if value]
    return pd.DataFrame(rows, columns=["item", "value"])
