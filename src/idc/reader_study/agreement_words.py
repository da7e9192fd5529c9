"""Agreement as numbers for MLflow, and what to know of them, in sentences."""

import math

import pandas as pd

from idc.metrics.resampling import FEW_PATIENTS
from idc.reader_study.answer import MARKS
from idc.reader_study.drawn import SELECTED
from idc.reader_study.initials import metric_initials
from idc.reader_study.votes import LABEL, MAJORITY, MODEL
from idc.text import listing

SHARES = tuple(mark for mark in MARKS if mark)


def as_metrics(
    drawn: str,
    readers: pd.DataFrame,
    pairs: pd.DataFrame,
    fleiss: pd.DataFrame,
    maps: pd.DataFrame,
    cases: int,
) -> dict[str, float]:
    """The tables' numbers for MLflow, without those that are not defined.

    Args:
        drawn: See `idc.reader_study.reader_agreement.Agreement`.
        readers: Readers.
        pairs: Pairs.
        fleiss: Several readers.
        maps: Methods.
        cases: Number of cases that anybody answered.
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
        for mark in SHARES:
            metrics[f"review/map_{mark}_{row['method']}{end}"] = row[f"{mark}_share"]
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
    here = set(pairs["one"]) | set(pairs["other"])
    several = sum(name in here for name in readers["reader"])
    fewer = fleiss[(fleiss["what"] == "with unsure") & (fleiss["readers"] < several)]
    notes += [
        f"Too few cases were answered by all {several} readers: Fleiss' kappa is of {row['of']}, "
        f"who share {row['cases']:,}."
        for row in fewer.to_dict("records")
    ]
    noted = fleiss[fleiss["note"] != ""].to_dict("records")
    notes += [f"Fleiss' kappa ({row['what']}): {row['note']}" for row in noted]
    if (pairs["patients"] < FEW_PATIENTS).any():
        notes.append(
            f"Where there are fewer than {FEW_PATIENTS} patients, intervals over patients are wide "
            f"and rough; of a single patient there is none."
        )
    return notes
