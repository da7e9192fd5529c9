"""Sentences about a data set."""

import numpy as np
import pandas as pd

from idc.data.split.base import SPLITS
from idc.reports.eda_input import EdaInput
from idc.reports.eda_tables import has_split, kept, patient_counts
from idc.text import count

HEAVY = 0.1  # share of the patches above which a single patient is reported
FEW_TO_BE_HEAVY = 20  # patients; among fewer, such a share is normal
FEW = 5  # patients; a split with fewer says little about new ones


def lead(data: EdaInput) -> str:
    """Summary of the set in one or two sentences."""
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


def observations(data: EdaInput, drift: pd.DataFrame) -> list[str]:
    """Observations that a reader must know before training on the set."""
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
    return sentences or ["Nothing unusual."]


def _not_read(data: EdaInput) -> list[str]:
    files = sum(some.files for some in data.not_read)
    if not files:
        return []
    return [f"Not read as patches: {count(files, 'file')} below the root; see the checks."]


def _expected(data: EdaInput) -> list[str]:
    if data.expected is None:
        return []
    differing = data.expected[data.expected["known"] != data.expected["found"]]
    if differing.empty:
        return ["The counts agree with those published for this set."]
    parts = [f"{row.what}: {row.found:,}, not {row.known:,}" for row in differing.itertuples()]
    return [f"The counts differ from the published ones: {'; '.join(parts)}."]


def _findings(data: EdaInput) -> list[str]:
    findings = data.findings[data.findings["patches"] > 0]
    if findings.empty:
        return ["No check has findings."]
    names = ", ".join(
        f"{row.finding} ({row.patches:,})"
        for row in findings.sort_values("patches", ascending=False, kind="stable").itertuples()
    )
    return [f"{len(findings)} of {count(len(data.findings), 'check')} have findings: {names}."]


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
        f"{single:,} of {count(len(counts), 'patient')} have one class only ({per_class}): for "
        "these, the patient's colour predicts the label. Evaluate a model on patients with both."
        if len(counts.columns) == 2
        else f"{single:,} of {count(len(counts), 'patient')} have one class only ({per_class})."
    ]


def _sizes(counts: pd.DataFrame) -> list[str]:
    totals = counts.sum(axis=1).sort_values(ascending=False)
    if len(totals) < 2:
        return []
    share = totals.iloc[0] / totals.sum()
    if len(totals) >= FEW_TO_BE_HEAVY and share > HEAVY:
        return [f"Patient {totals.index[0]} alone has {share:.0%} of the patches."]
    half = int((totals.cumsum() < totals.sum() / 2).sum()) + 1
    if totals.min() == totals.max():
        return [f"Each patient has {totals.max():,} patches."]
    return [
        f"Patients have {totals.min():,} to {totals.max():,} patches; the largest {half:,} of "
        f"{len(totals):,} have half of them."
    ]


def _colour(drift: pd.DataFrame) -> list[str]:
    green = drift.set_index("channel").loc["green"]
    patients, classes = green["between patients"], green["between classes"]
    if np.isnan(patients):
        return []
    words = (
        f"Stain variation: the mean green of a patient differs by {patients:.0f} of 255 (one "
        f"standard deviation) from that of its class"
    )
    if np.isnan(classes):
        return [f"{words}; no patient has two classes to compare it with."]
    if classes < patients:
        return [
            f"{words}, whereas the classes of one patient differ by {classes:.0f} only: colour "
            f"alone does not separate them."
        ]
    return [
        f"{words}, or {patients / classes:.0%} of the {classes:.0f} by which the classes of one "
        "patient differ: a threshold on colour is off by that much on a new patient."
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
            f"{count(shared, 'patient')} in more than one split: results will be too optimistic."
        )
    if small:
        sentences.append(f"Few patients for conclusions about new ones: {', '.join(small)}.")
    return sentences
