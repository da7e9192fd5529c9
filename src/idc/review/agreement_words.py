"""Agreement as numbers for MLflow, and what to know of them, in sentences."""

import math
import re
from collections.abc import Iterable

import pandas as pd

from idc.metrics.resampling import MIN_PATIENTS
from idc.plots.wording import listing
from idc.review.answer import MARKS
from idc.review.votes import LABEL, MAJORITY, MODEL

NOT_IN_METRICS = re.compile(r"[^0-9A-Za-z_-]+")
SHARES = tuple(mark for mark in MARKS if mark)


def as_metrics(
    readers: pd.DataFrame,
    pairs: pd.DataFrame,
    fleiss: pd.DataFrame,
    maps: pd.DataFrame,
    cases: int,
) -> dict[str, float]:
    """The tables' numbers for MLflow, without those that are not defined.

    Args:
        readers: See `idc.review.agreement.Agreement`, as for the others.
        pairs: Pairs.
        fleiss: All readers.
        maps: Methods.
        cases: Number of cases that anybody answered.
    """
    metrics = {"review/cases": float(cases), "review/readers": float(len(readers))}
    metrics["review/answers"] = float(readers["cases"].sum())
    metrics["review/unsure"] = float(readers["unsure"].sum())
    words = _metric_names([LABEL, MODEL, MAJORITY, *readers["reader"]])
    for row in pairs.to_dict("records"):
        name = f"{words[row['one']]}__{words[row['other']]}"
        if row["one"] == MAJORITY:
            name = f"readers_{row['other']}"
        metrics[f"review/kappa_{name}"] = row["kappa"]
    for row in fleiss.to_dict("records"):
        ending = "" if row["what"] == "sure" else "_with_unsure"
        metrics[f"review/fleiss_kappa{ending}"] = row["kappa"]
        metrics[f"review/fleiss_cases{ending}"] = float(row["cases"])
    methods = _metric_names(maps["method"])
    for row in maps.to_dict("records"):
        for mark in SHARES:
            metrics[f"review/map_{mark}_{methods[row['method']]}"] = row[f"{mark}_share"]
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def as_notes(readers: pd.DataFrame, pairs: pd.DataFrame, fleiss: pd.DataFrame) -> list[str]:
    """What to know of the numbers; see `as_metrics` for the tables."""
    notes = []
    seen, answers = int(readers["in_sight"].sum()), int(readers["cases"].sum())
    if seen:
        notes.append(
            f"{seen:,} of {answers:,} verdicts were given with the model's answer in sight: "
            f"agreement with the model, and between readers, is then too high."
        )
    for note, rows in pairs[pairs["note"] != ""].groupby("note", sort=False):
        two = [f"{one} and {other}" for one, other in zip(rows["one"], rows["other"], strict=True)]
        notes.append(f"{listing(two)}: {note}")
    noted = fleiss[fleiss["note"] != ""].to_dict("records")
    notes += [f"All readers ({row['what']}): {row['note']}" for row in noted]
    if (pairs["unit"] == "cases").any():
        notes.append(
            f"Where there are fewer than {MIN_PATIENTS} patients, intervals are of a bootstrap "
            f"over cases: too narrow for new patients."
        )
    return notes


def _metric_names(names: Iterable[str]) -> dict[str, str]:
    """Names as MLflow takes them in a metric's name; two that become alike are numbered."""
    words: dict[str, str] = {}
    for name in names:
        word = base = NOT_IN_METRICS.sub("_", name).strip("_") or "reader"
        number = 2
        while word in words.values():
            word, number = f"{base}_{number}", number + 1
        words[name] = word
    return words
