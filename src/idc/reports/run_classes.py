"""The classes of a run, or its labels, each on its own: the rows of the first screen, the table."""

from typing import Any

import numpy as np
import pandas as pd

from idc.metrics.definitions import METRICS
from idc.reports.formats import metric_name, with_interval
from idc.reports.run_input import RunReport

COLUMNS = {
    "label": "class",
    "positives": "patches",
    "patients": "patients",
    "train_positives": "in training",
    "threshold": "threshold",
    **{name: metric_name(name, short=True) for name in METRICS if "accuracy" not in name},
}


def class_rows(report: RunReport) -> list[dict[str, Any]]:
    """Each class that was tested, the rarest first, for templates; none for two classes.

    Its columns of `idc.evaluation.per_label.per_label_table`; ``learnt`` (training patches, or
    None), ``interval`` of the recall, ``instead`` (class most often called instead, and its share
    of the patches), ``rarest`` and ``lowest`` (bool; of the recall).
    """
    table = report.per_label
    if table.empty:
        return []
    rare = "train_positives" if "train_positives" in table else "positives"
    table = table[table["positives"] > 0].sort_values(rare, kind="stable")
    instead = {} if report.multi_label else _called_instead(report)
    rows = []
    for number, row in enumerate(table.to_dict("records")):
        bounds = row["recall_ci_low"], row["recall_ci_high"]
        extra = {
            "learnt": row.get("train_positives"),
            "interval": bounds if bounds[0] <= bounds[1] else None,
            "instead": instead.get(row["label"]),
            "rarest": number == 0,
            "lowest": row["recall"] == table["recall"].min(),
        }
        rows.append({**{str(key): value for key, value in row.items()}, **extra})
    return rows


def class_table(report: RunReport) -> pd.DataFrame:
    """Each class in the order of the labels: counts, and metrics with their intervals."""
    table = report.per_label
    if table.empty:
        return table
    shown = table[[name for name in COLUMNS if name in table]].copy()
    for name in METRICS:
        if name in shown:
            numbers = table[[name, f"{name}_ci_low", f"{name}_ci_high"]].astype(float)
            cells = numbers.itertuples(index=False, name=None)
            shown[name] = [with_interval(*row) for row in cells]
    if not report.multi_label:
        instead = _called_instead(report)
        words = [instead.get(str(name), ("-", 0))[0] for name in shown["label"]]
        shown["instead"] = words
    return shown.rename(columns={**COLUMNS, "instead": "most often confused with"})


def _called_instead(report: RunReport) -> dict[str, tuple[str, float]]:
    """Of each class with errors, the class that it is most often called, and the share of that."""
    names = list(map(str, report.class_names))
    order = range(len(names))
    matrix = pd.crosstab(report.test["label"], report.test["predicted"])
    counts = matrix.reindex(index=order, columns=order, fill_value=0).to_numpy()
    wrong = counts - np.diag(np.diag(counts))
    return {
        name: (names[row.argmax()], float(row.max() / total))
        for name, row, total in zip(names, wrong, counts.sum(1), strict=True)
        if row.any()
    }
