"""What the numbers say, in sentences."""

import numpy as np
import pandas as pd

from idc.data.split.base import SPLITS
from idc.reports.eda_input import EdaInput
from idc.reports.eda_tables import has_split, kept, patient_counts
from idc.text import count

HEAVY = 0.1  # a patient with more than this share of the patches is pointed out
FEW_TO_BE_HEAVY = 20  # among fewer patients such a share is no surprise
FEW = 5  # patients in a split that say little of new ones


def lead(data: EdaInput) -> str:
    """The set in one or two sentences."""
    index, remaining = data.index, kept(data.index)
    patches = count(len(index), "patch", "patches")
    first = f"{patches} of {count(index['patient'].nunique(), 'patient')}."
    gone = len(index) - len(remaining)
    dropped = f"{gone:,} dropped, {len(remaining):,} kept" if gone else "None dropped"
    counts = np.bincount(remaining["label"], minlength=len(data.class_names))
    shares = ", ".join(
        f"{n:,} {name} ({n / max(len(remaining), 1):.1%})"
        for name, n in zip(data.class_names, counts, strict=True)
    )
    return f"{first} {dropped}: {shares}."


def stands_out(data: EdaInput, drift: pd.DataFrame) -> list[str]:
    """Sentences on what a reader must know before a model is trained on the set."""
    counts = patient_counts(data.index, data.class_names)
    sentences = [
        *_not_read(data),
        *_expected(data),
        *_findings(data),
        *_one_class(counts),
        *_sizes(counts),
        *_colour(drift),
        *_split(data),
    ]
    return sentences or ["Nothing out of the ordinary."]


def _not_read(data: EdaInput) -> list[str]:
    files = sum(some.files for some in data.not_read)
    if not files:
        return []
    return [f"No patch was read from {count(files, 'file')} below the root; the checks say why."]


def _expected(data: EdaInput) -> list[str]:
    if data.expected is None:
        return []
    off = data.expected[data.expected["known"] != data.expected["found"]]
    if off.empty:
        return ["The counts are those that were published for this set."]
    parts = [f"{row.what}: {row.found:,}, not {row.known:,}" for row in off.itertuples()]
    return [f"The counts are not those that were published: {'; '.join(parts)}."]


def _findings(data: EdaInput) -> list[str]:
    found = data.findings[data.findings["patches"] > 0]
    if found.empty:
        return ["No check found anything."]
    names = ", ".join(
        f"{row.finding} ({row.patches:,})"
        for row in found.sort_values("patches", ascending=False, kind="stable").itertuples()
    )
    return [f"{len(found)} of {count(len(data.findings), 'check')} found something: {names}."]


def _one_class(counts: pd.DataFrame) -> list[str]:
    classes = (counts > 0).sum(axis=1)
    single = int((classes == 1).sum())
    if not single or len(counts.columns) < 2:
        return []
    per_class = ", ".join(
        f"{int(((classes == 1) & (counts[name] > 0)).sum()):,} only {name}"
        for name in counts.columns
    )
    return [
        f"{single:,} of {count(len(counts), 'patient')} hold one class only ({per_class}): there, "
        "the patient's colour gives the label away. Judge a model on patients that hold both."
        if len(counts.columns) == 2
        else f"{single:,} of {count(len(counts), 'patient')} hold one class only ({per_class})."
    ]


def _sizes(counts: pd.DataFrame) -> list[str]:
    totals = counts.sum(axis=1).sort_values(ascending=False)
    if len(totals) < 2:
        return []
    share = totals.iloc[0] / totals.sum()
    if len(totals) >= FEW_TO_BE_HEAVY and share > HEAVY:
        return [f"Patient {totals.index[0]} alone holds {share:.0%} of the patches."]
    half = int((totals.cumsum() < totals.sum() / 2).sum()) + 1
    if totals.min() == totals.max():
        return [f"Each patient has {totals.max():,} patches."]
    return [
        f"Patients have {totals.min():,} to {totals.max():,} patches; the largest {half:,} of "
        f"{len(totals):,} hold half of them."
    ]


def _colour(drift: pd.DataFrame) -> list[str]:
    green = drift.set_index("channel").loc["green"]
    patients, classes = green["between patients"], green["between classes"]
    if np.isnan(patients):
        return []
    words = (
        f"Stain drift: the mean green of a patient lies {patients:.0f} (one standard deviation, of "
        f"255) from that of its class"
    )
    if np.isnan(classes):
        return [f"{words}; no patient holds two classes to set it against."]
    if classes < patients:
        return [
            f"{words}, and the classes of one patient only {classes:.0f} apart: colour alone does "
            f"not tell them."
        ]
    return [
        f"{words}, which is {patients / classes:.0%} of the {classes:.0f} by which the classes of "
        "one patient differ: so much a threshold on colour is off on a new patient."
    ]


def _split(data: EdaInput) -> list[str]:
    if not has_split(data.index):
        return ["There is no split."]
    remaining = kept(data.index)
    patients = {s: remaining[remaining["split"] == s]["patient"].nunique() for s in SPLITS}
    small = [f"{split} ({count(n, 'patient')})" for split, n in patients.items() if n < FEW]
    splits_of = remaining.groupby("patient")["split"].nunique()
    shared = int((splits_of > 1).sum())
    sentences = []
    if shared:
        sentences.append(
            f"{count(shared, 'patient')} on more than one split: results will flatter."
        )
    if small:
        sentences.append(f"Few patients to judge new ones by: {', '.join(small)}.")
    return sentences
