"""Agreement as MLflow metrics, and notes on their interpretation."""

import math

import pandas as pd

from idc.metrics.resampling import FEW_PATIENTS
from idc.reader_study.answer import MARKS
from idc.reader_study.initials import metric_initials
from idc.reader_study.sampling import SELECTED
from idc.reader_study.votes import LABEL, MAJORITY, MODEL
from idc.reports.templating import notes
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

    See `idc.reader_study.reader_agreement.Agreement` for `drawn` and the tables.
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


def as_notes(
    drawn: "pd.Series[str]", readers: pd.DataFrame, pairs: pd.DataFrame, fleiss: pd.DataFrame
) -> list[str]:
    """Notes on interpreting the metrics, as sentences; `drawn` is from `sampling_of`."""
    named = pairs.assign(names=pairs["one"] + " and " + pairs["other"])
    caveats = named[named["note"] != ""].groupby("note", sort=False)["names"].agg(list)
    paired = set(pairs["one"]) | set(pairs["other"])
    return notes(
        "agreement_notes.j2",
        selected=int((drawn == SELECTED).sum()),
        answers=len(drawn),
        seen=int(readers["in_sight"].sum()),
        pairs={note: listing(names) for note, names in caveats.items()},
        fleiss=fleiss.to_dict("records"),
        several=sum(name in paired for name in readers["reader"]),
        few_patients=(pairs["patients"] < FEW_PATIENTS).any(),
        few=FEW_PATIENTS,
    )
