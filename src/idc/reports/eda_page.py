"""The EDA report: a data set in figures and on one page."""

from pathlib import Path

import pandas as pd

from idc.data.index import POSITION, has_positions
from idc.data.split.base import SPLITS
from idc.errors import DataError
from idc.reports.eda_facts import eda_sentences
from idc.reports.eda_figures import (
    FARTHEST,
    QUALITY,
    SHOWN,
    draw_class_grids,
    draw_finding_grids,
    draw_overviews,
    draw_slides,
)
from idc.reports.eda_input import EdaInput
from idc.reports.eda_tables import MOSTLY_WHITE, colour_stats, drift, has_split, kept, patient_table
from idc.reports.page import write_page
from idc.reports.picture import Figures

LISTED = 1000  # maximum number of patients in the table
SIZES = 12  # sizes and modes in the table
FILES = ("path", "patient", *POSITION, "label", "width", "height", "mode", "bytes")


def write_eda(facts: EdaInput, folder: Path) -> Path:
    """Draw every figure as PNG into `folder` and write ``report.html``, which includes them all.

    Pixels are read patient by patient and in chunks, so that `facts.patches` may be a memory map
    that is larger than memory.

    Raises:
        DataError: There is no patch, or a file cannot be written.
    """
    index = facts.index
    if index.empty:
        raise DataError(f"{facts.name}: there are no patches to report on.")
    stats = colour_stats(index)
    drifts = drift(stats)
    try:
        draw_overviews(facts, stats, folder)
        classes = list(draw_class_grids(facts, folder))
        findings = list(draw_finding_grids(facts, folder))
        slides = list(draw_slides(facts, folder))
    except OSError as error:
        raise DataError(f"{folder}: a figure cannot be written ({error.strerror}).") from error
    sizes = _sizes(index)
    return write_page(
        folder / "report.html",
        "eda.html.j2",
        Figures(folder, "", "slides"),
        title=f"{facts.name}: the data",
        words=eda_sentences(facts, drifts),
        facts=facts.facts,
        data=facts,
        not_read=_not_read(facts),
        checks=facts.findings.sort_values("patches", ascending=False, kind="stable")[
            ["finding", "patches", "patients", "dropped", "policy", "meaning"]
        ],
        sizes=sizes.head(SIZES),
        more_sizes=len(sizes) - SIZES,
        patients=patient_table(index, facts.class_names),
        drifts=drifts,
        kept=len(kept(index)),
        coloured=int(stats["patches"].sum()),
        classes=classes,
        findings=findings,
        split=_split(index) if has_split(index) else pd.DataFrame(),
        slides=[slide for slide in slides if "figure" in slide],
        without_map=[slide["patient"] for slide in slides if "figure" not in slide],
        has_positions=has_positions(index),
        FARTHEST=FARTHEST,
        FILES=[name for name in FILES if name in index],
        LISTED=LISTED,
        MOSTLY_WHITE=MOSTLY_WHITE,
        QUALITY=QUALITY,
        SHOWN=SHOWN,
    )


def _not_read(facts: EdaInput) -> pd.DataFrame:
    """The files below the root that were not read as patches."""
    rows = [(n.why, n.files, ", ".join(n.examples), "not read") for n in facts.not_read]
    rows += [(what, files, "", "ignored") for what, files in facts.ignored.items()]
    return pd.DataFrame(rows, columns=["reason", "files", "for example", "counted as"])


def _sizes(index: pd.DataFrame) -> pd.DataFrame:
    """The formats, modes and sizes of the files, the most frequent first."""
    size = index["width"].astype(str) + "x" + index["height"].astype(str) + " px"
    facts = {"format": index["format"], "mode": index["mode"], "size": size}
    counts = pd.DataFrame(facts).value_counts()
    return counts.rename("patches").reset_index()


def _split(index: pd.DataFrame) -> pd.DataFrame:
    """The patients of each split."""
    remaining = kept(index)
    names = {s: sorted(remaining.loc[remaining["split"] == s, "patient"].unique()) for s in SPLITS}
    rows = [(split, len(of_split), ", ".join(of_split)) for split, of_split in names.items()]
    return pd.DataFrame(rows, columns=["split", "patients", "names"])
