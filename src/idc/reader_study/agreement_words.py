"""Agreement as MLflow metrics, and notes on their interpretation."""

import math

import pandas as pd

from idc.metrics.resampling import FEW_PATIENTS
from idc.reader_study.answer import MARKS
from idc.reader_study.initials import metric_initials
from idc.reader_study.sampling import SELECTED
from idc.reader_study.votes import LABEL, MAJORITY, MODEL
from idc.text import listing


def as_metrics(
    drawn: str,
    readers: pd.DataFrame,
    pairs: pd.DataFrame,
    fleiss: pd.DataFrame,
    maps: pd.DataFrame,
    cases: int,
) -> dict[str, float]:
    """Metrics for MLflow, without undefined ones.

    Args:
        drawn: See `idc.reader_study.reader_agreement.Agreement`, also for the tables.
        readers: One row per reader.
        pairs: One row per pair.
        fleiss: Agreement of several readers.
        maps: One row per attribution method.
        cases: Number of cases with an answer.
    """
    metrics = {"review/cases": float(cases), "review/readers": float(len(readers))}
    metrics["review/answers"] = float(readers["cases"].sum())
    metrics["review/unsure"] = float(readers["unsure"].sum())
    end = "_selected" if drawn == SELECTED else ""
    words = {name: name for name in (LABEL, MODEL)} | metric_initials(list(readers["reader"]))
    for row in pairs.to_dict("records"):
        one, other = row["one"], words[row["other"]]
        name = f"readers_{other}" if one == MAJORITY else f"{words[one]}__{other}"
        metrics[f"review/kappa_{name}{end}"] = row["kappa"]
    for row in fleiss.to_dict("records"):
        ending = ("" if row["what"] == "sure" else "_with_unsure") + end
        metrics[f"review/fleiss_kappa{ending}"] = row["kappa"]
        metrics[f"review/fleiss_cases{ending}"] = float(row["cases"])
        metrics[f"review/fleiss_readers{end}"] = float(row["readers"])
    for row in maps.to_dict("records"):
        for mark in MARKS:
            metrics[f"review/map_{mark}_{row['method']}{end}"] = row[f"{mark}_share"]
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def as_notes(readers: pd.DataFrame, pairs: pd.DataFrame, fleiss: pd.DataFrame) -> list[str]:
    """Notes on interpreting the metrics, as sentences; see `as_metrics` for the tables."""
    notes = []
    seen, answers = int(readers["in_sight"].sum()), int(readers["cases"].sum())
    if seen:
        notes.append(
            f"{seen:,} of {answers:,} verdicts were given after seeing the model's answer: "
            f"agreement with the model, and between readers, is then overestimated."
        )
    for note, rows in pairs[pairs["note"] != ""].groupby("note", sort=False):
        two = [f"{one} and {other}" for one, other in zip(rows["one"], rows["other"], strict=True)]
        notes.append(f"{listing(two)}: {note}")
    paired = set(pairs["one"]) | set(pairs["other"])
    several = sum(name in paired for name in readers["reader"])
    fewer = fleiss[(fleiss["what"] == "with unsure") & (fleiss["readers"] < several)]
    notes += [
        f"Too few cases were answered by all {several} readers: Fleiss' kappa is computed for "
        f"{row['of']}, who share {row['cases']:,}."
        for row in fewer.to_dict("records")
    ]
    noted = fleiss[fleiss["note"] != ""].to_dict("records")
    notes += [f"Fleiss' kappa ({row['what']}): {row['note']}" for row in noted]
    if (pairs["patients"] < FEW_PATIENTS).any():
        notes.append(
            f"With fewer than {FEW_PATIENTS} patients, intervals over patients are wide and "
            f"inaccurate; for a single patient there is none."
        )
    return notes
