"""The tables of a run's patients and slices."""

import pandas as pd

from idc.reports.formats import interval_text, metric_name, number
from idc.reports.run_input import RunReport

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


def patient_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table of patients for display, lowest recall first."""
    if {"tp", "fn"} <= set(table.columns):
        table = table.assign(labelled=table["tp"] + table["fn"])
    if "recall" in table:
        table = table.sort_values("recall", na_position="last", kind="stable")
    kept = [name for name in PER_PATIENT if name in table]
    return table[kept].rename(columns=PER_PATIENT).reset_index(drop=True)


def patient_summary(report: RunReport) -> pd.DataFrame:
    """Distribution of metrics over the test patients: worst, lower quartile, median, best."""
    rows = []
    for name in ("recall", "specificity", "f1", "auroc"):
        if name not in report.per_patient:
            continue
        values = report.per_patient[name].astype(float).dropna()
        if len(values):
            cuts = values.quantile([0, 0.25, 0.5, 1])
            rows.append((metric_name(name, short=True), len(values), *cuts))
    columns = ["measure", "patients", "worst", "a quarter below", "median", "best"]
    return pd.DataFrame(rows, columns=columns)


def slice_table(report: RunReport) -> pd.DataFrame:
    """The slices of the test split for display, with their intervals."""
    table = report.slices.copy()
    for name in ("recall", "specificity", "error_rate"):
        if name in table:
            table[name] = _with_interval(table, name)
    for name in ("slice", "value"):
        if name in table:
            table[name] = table[name].astype(str).str.replace("_", " ")
    kept = [name for name in SLICES if name in table]
    return table[kept].rename(columns=SLICES)


def _with_interval(table: pd.DataFrame, name: str) -> list[str]:
    """A column as text: ``0.900 (0.85 to 0.93)``, or without the interval if there is none."""
    for ends in ((f"{name}_ci_low", f"{name}_ci_high"), (f"{name}_low", f"{name}_high")):
        if set(ends) <= set(table.columns):
            rows = table[[name, *ends]].astype(float).itertuples(index=False, name=None)
            return [
                number(value) + (f" ({interval_text((low, high), 2)})" if low <= high else "")
                for value, low, high in rows
            ]
    return [number(value) for value in table[name].astype(float)]


def marks(report: RunReport, *names: str) -> list[bool]:
    """Which slices are marked by any of these columns, such as ``worse``; empty without them."""
    columns = [name for name in names if name in report.slices]
    if not columns:
        return []
    flags = report.slices[columns].astype("boolean").fillna(False)
    return [bool(flag) for flag in flags.any(axis=1)]


def marked_names(report: RunReport, name: str) -> list[str]:
    """The slices marked by a column, such as ``darkness: pale``."""
    chosen = slice_table(report)[marks(report, name)].iloc[:, :2]
    return [": ".join(map(str, row)) for row in chosen.itertuples(index=False)]
