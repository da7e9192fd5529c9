"""The EDA report: a data set in figures and on one page."""

from pathlib import Path

import pandas as pd

from idc.data.split.base import SPLITS, split_counts
from idc.errors import DataError
from idc.plots.class_counts import (
    balance_figure,
    patches_per_patient_figure,
    patients_figure,
    shares_figure,
)
from idc.plots.patient_colours import colour_by_patient_figure, colour_space_figure
from idc.reports.blocks import Block, Bullets, Fold, Table, Text
from idc.reports.eda_grids import class_section, finding_section
from idc.reports.eda_input import EdaInput
from idc.reports.eda_slides import slide_section
from idc.reports.eda_tables import (
    MOSTLY_WHITE,
    colour_stats,
    dark_to_light,
    drift,
    has_split,
    kept,
    patient_counts,
    patient_table,
    set_counts,
)
from idc.reports.eda_words import lead, observations
from idc.reports.page import Page, PageSection, write_page
from idc.reports.picture import figure_picture

LISTED = 1000  # maximum number of patients in the table
SIZES = 12  # sizes and modes in the table


def write_eda(facts: EdaInput, folder: Path) -> Path:
    """Draw every figure as PNG into `folder` and write ``report.html``, which includes them all.

    Pixels are read patient by patient and in chunks, so that `facts.patches` may be a memory map
    that is larger than memory.

    Args:
        facts: The audited data set.
        folder: The folder to write to, created if necessary.

    Returns:
        The path of ``report.html``.

    Raises:
        DataError: There is no patch, or a file cannot be written.
    """
    if facts.index.empty:
        raise DataError(f"{facts.name}: there are no patches to report on.")
    folder.mkdir(parents=True, exist_ok=True)
    stats = colour_stats(facts.index)
    drifts = drift(stats)
    sections = [
        PageSection("Observations", [Bullets(observations(facts, drifts))]),
        _checks(facts),
        _balance(facts, folder),
        _colour(facts, stats, drifts, folder),
        class_section(facts, folder),
        finding_section(facts, folder),
        _split(facts, folder),
        slide_section(facts, folder),
    ]
    note = "Made by idc.prepare. For research; not a medical device."
    page = Page(f"{facts.name}: the data", lead(facts), facts.facts, sections, note)
    return write_page(page, folder / "report.html")


def _checks(facts: EdaInput) -> PageSection:
    blocks: list[Block] = []
    if facts.expected is not None:
        differs = (facts.expected["known"] != facts.expected["found"]).tolist()
        names = {"what": "count", "known": "published", "found": "in this data set"}
        table = facts.expected[list(names)].rename(columns=names)
        blocks.append(Table(table, "Published and actual counts.", differs, "differs"))
    blocks += _not_read(facts)
    findings = facts.findings.sort_values("patches", ascending=False, kind="stable")
    order = ["finding", "patches", "patients", "dropped", "policy", "meaning"]
    marked = (findings["patches"] > 0).tolist()
    blocks.append(Table(findings[order], "Checks and their findings.", marked, "found"))
    index = facts.index
    sizes = pd.DataFrame(
        {
            "size": index["width"].astype(str) + "x" + index["height"].astype(str) + " px",
            "mode": index["mode"],
        }
    )
    table = sizes.value_counts().rename("patches").reset_index()
    caption = "Size and mode of the files."
    if len(table) > SIZES:
        caption = f"Size and mode of the files: the {SIZES} most frequent of {len(table):,}."
    blocks.append(Fold("Size and mode of the files", [Table(table.head(SIZES), caption)]))
    return PageSection("Checks", blocks)


def _not_read(facts: EdaInput) -> list[Block]:
    """The files below the root that were not read as patches, if there are any."""
    rows = [(n.why, n.files, ", ".join(n.examples), "not_read") for n in facts.not_read]
    rows += [(what, files, "", "ignored") for what, files in facts.ignored.items()]
    if not rows:
        return []
    table = pd.DataFrame(rows, columns=["reason", "files", "for example", "counted as"])
    caption = "Files below the root that were not read as patches."
    return [Table(table, caption, (table["counted as"] == "not_read").tolist(), "not read")]


def _balance(facts: EdaInput, folder: Path) -> PageSection:
    per_set = set_counts(facts.index, facts.class_names)
    per_patient = patient_counts(facts.index, facts.class_names)
    table = patient_table(facts.index, facts.class_names)
    more = f"; the first {LISTED:,} are listed" if len(table) > LISTED else ""
    return PageSection(
        "Classes and patients",
        [
            figure_picture(
                shares_figure(per_set),
                folder / "class_balance.png",
                "Share of each class in the set and in each split",
                "Classes of the set and, if there is a split, of each part.",
            ),
            figure_picture(
                patients_figure(per_patient),
                folder / "patients.png",
                "Patches of each class of each patient",
                "Kept patches of each patient. As whole patients are split, a few large ones, or "
                "ones with a single class, dominate a split.",
            ),
            figure_picture(
                patches_per_patient_figure(per_patient.sum(axis=1).to_numpy()),
                folder / "patches_per_patient.png",
                "Histogram of the patches per patient",
                "Number of kept patches per patient; one tick per patient.",
            ),
            Fold(
                f"All {len(table):,} patients as a table{more}",
                [Table(table.head(LISTED), "Colours are means over kept tissue patches.")],
            ),
        ],
    )


def _colour(
    facts: EdaInput, stats: pd.DataFrame, drifts: pd.DataFrame, folder: Path
) -> PageSection:
    kept_count = len(kept(facts.index))
    used = int(stats["patches"].sum())
    intro = (
        "Stains and scanners differ between patients, and a model that has learned the colours of "
        f"some may fail on others. The following is based on {used:,} of {kept_count:,} kept "
        f"patches: those with more than {MOSTLY_WHITE:.0%} white pixels, mostly glass, are "
        "excluded."
    )
    if stats.empty:
        return PageSection(
            "Colour of the patients", [Text(intro), Text("There are no such patches.")]
        )
    return PageSection(
        "Colour of the patients",
        [
            Text(intro),
            figure_picture(
                colour_by_patient_figure(stats, dark_to_light(stats), facts.class_names),
                folder / "colour_by_patient.png",
                "Mean red, green and blue of each patient and class",
                "With identical staining and scanning, the marks of a class would lie on three "
                "horizontal lines, and its swatches would look alike.",
            ),
            figure_picture(
                colour_space_figure(stats, facts.class_names),
                folder / "colour_space.png",
                "Patients by the hue of their mean colour, one panel per class",
                "One mark per patient, in its mean colour; crosses are the mean of the class, grey "
                "dots the patients of the other classes, thin lines one standard deviation of a "
                "patient's patches. The wider the cloud compared with the distance of the crosses, "
                "the less colour predicts the class of a new patient.",
            ),
            Table(
                drifts,
                "Variation of colours, on a scale of 0 to 255: standard deviation between the "
                "patients of a class, and between the patches of a patient; mean distance of two "
                "classes within a patient.",
            ),
        ],
    )


def _split(facts: EdaInput, folder: Path) -> PageSection:
    if not has_split(facts.index):
        return PageSection("Split", [Text("No split was made.")])
    remaining = kept(facts.index)
    counts = split_counts(remaining, facts.class_names)
    patients = pd.DataFrame(
        [
            (split, len(names), ", ".join(names))
            for split in SPLITS
            for names in [sorted(remaining[remaining["split"] == split]["patient"].unique())]
        ],
        columns=["split", "patients", "names"],
    )
    return PageSection(
        "Split",
        [
            figure_picture(
                balance_figure(counts),
                folder / "split_balance.png",
                "Patches and patients of each class in each split",
                "Whole patients are in one split; shares are of the split's patches.",
            ),
            Fold("Patients of each split", [Table(patients)]),
        ],
    )
