"""What the sentences about a data set rest on, and the sentences."""

import math
from typing import Any

import pandas as pd

from idc.data.split.base import SPLITS
from idc.reports.eda_input import EdaInput
from idc.reports.eda_tables import has_split, kept, patient_counts
from idc.reports.templating import Sentences

HEAVY = 0.1  # share of the patches above which a single patient is reported
FEW_TO_BE_HEAVY = 20  # patients; among fewer, such a share is normal
FEW = 5  # patients; a split with fewer says little about new ones


def eda_sentences(data: EdaInput, drift: pd.DataFrame) -> Sentences:
    """The sentences of ``eda_sentences.j2``: ``lead`` and ``observations``."""
    index, remaining = data.index, kept(data.index)
    counts = patient_counts(index, data.class_names)
    # Of unknown patients, each image counts as one: nothing is said of them.
    per_patient = counts if data.patients_known else counts.head(0)
    single = per_patient[(per_patient > 0).sum(axis=1) == 1]
    single = single if len(data.class_names) > 1 else single.head(0)
    findings = data.findings[data.findings["patches"] > 0]
    findings = findings.sort_values("patches", ascending=False, kind="stable")
    splits = {
        split: remaining.loc[remaining["split"] == split, "patient"].nunique() for split in SPLITS
    }
    return Sentences(
        "eda_sentences.j2",
        patches=len(index),
        patients=index["patient"].nunique(),
        patients_known=data.patients_known,
        patients_kept=len(counts),
        kept=len(remaining),
        classes=counts.sum().to_dict(),
        not_read=sum(some.files for some in data.not_read),
        **_published(data),
        checks=len(data.findings),
        findings=[f"{row.finding} ({row.patches:,})" for row in findings.itertuples()],
        single_class=(single > 0).sum().to_dict() if len(single) else {},
        sizes=_sizes(per_patient.sum(axis=1)),
        colour=_colour(drift) if data.patients_known and not data.grey else None,
        h_and_e=data.h_and_e,
        files=_files(index),
        splits=splits if has_split(index) else {},
        shared_patients=int(remaining.groupby("patient")["split"].nunique().gt(1).sum()),
        small_splits={s: n for s, n in splits.items() if n < FEW} if has_split(index) else {},
    )


def _files(index: pd.DataFrame) -> dict[str, Any]:
    """Formats, modes and sizes of the files that could be read."""
    # A drawn image has no format.
    whole = index[index["mode"] != ""]
    sizes = whole[["width", "height"]]
    return {
        "formats": [name for name in whole["format"].value_counts().index if name],
        "modes": list(whole["mode"].value_counts().index),
        "sizes": len(sizes.drop_duplicates()),
        "least": sizes.min().tolist() if len(sizes) else [0, 0],
        "most": sizes.max().tolist() if len(sizes) else [0, 0],
    }


def _published(data: EdaInput) -> dict[str, Any]:
    """How the counts deviate from those published, and whether some agree."""
    # If none agrees, this is a part of the set or another one, and its counts need not agree.
    counts = data.published
    if counts is None:
        return {"deviations": None, "nearly_published": False}
    differing = counts[counts["published"] != counts["here"]]
    return {
        "deviations": [
            f"{row['count']}: {row['here']:,}, not {row['published']:,}"
            for row in differing.to_dict("records")
        ],
        "nearly_published": len(differing) < len(counts),
    }


def _sizes(totals: "pd.Series[int]") -> dict[str, Any] | None:
    """How the patches are distributed over the patients."""
    if len(totals) < 2:
        return None
    totals = totals.sort_values(ascending=False)
    share = totals.iloc[0] / totals.sum()
    return {
        "patient": totals.index[0],
        "share": share,
        "heavy": len(totals) >= FEW_TO_BE_HEAVY and share > HEAVY,
        "least": totals.min(),
        "most": totals.max(),
        "half": int((totals.cumsum() < totals.sum() / 2).sum()) + 1,
    }


def _colour(drift: pd.DataFrame) -> dict[str, Any] | None:
    """The variation of green between patients and, if there are two, between classes."""
    green = drift[drift["channel"] == "green"]
    patients, classes = (float(green[f"between {of}"].iloc[0]) for of in ("patients", "classes"))
    if math.isnan(patients):
        return None
    return {"patients": patients, "classes": None if math.isnan(classes) else classes}
