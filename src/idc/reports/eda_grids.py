"""Grids of patches of each class and of each finding."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from idc.data.index import POSITION, position_words
from idc.plots.patch_grids import patch_grid_figure
from idc.plots.style import literal
from idc.reports.blocks import Block, Fold, Table, Text
from idc.reports.eda_input import EdaInput
from idc.reports.eda_tables import kept
from idc.reports.filenames import safe_names
from idc.reports.page import PageSection
from idc.reports.picture import Picture, figure_picture
from idc.text import count

SHOWN = 25
LISTED = ("path", "patient", *POSITION, "label", "width", "height", "mode", "bytes")
# The measure of a finding, shown below its patches.
MEASURES = {"near_white": "white", "near_grey": "grey", "ink": "ink"}
WITHOUT_PIXELS = {"unreadable", "truncated", "too_large"}


def pick(rows: pd.DataFrame, seed: int, number: int = SHOWN) -> pd.DataFrame:
    """Up to `number` random rows, from as many patients as possible, in the set's order."""
    shuffled = rows.sample(frac=1, random_state=seed)
    turn = shuffled.groupby("patient").cumcount()
    return shuffled.loc[turn.sort_values(kind="stable").index].head(number).sort_index()


def class_section(data: EdaInput, folder: Path) -> PageSection:
    """A grid of 25 patches of each class."""
    remaining = kept(data.numbered())
    words = (
        f"Up to {SHOWN} random kept patches of each class (seed {data.seed}), from as many "
        "patients as possible. Below each: patient and, if known, corner on the slide."
    )
    blocks: list[Block] = [Text(words)]
    stems = safe_names(data.class_names)
    for label, name in enumerate(data.class_names):
        of_class = remaining[remaining["label"] == label]
        chosen = pick(of_class, data.seed)
        if chosen.empty:
            blocks.append(Text(f"{name}: no patch."))
            continue
        blocks.append(_grid(data, chosen, name, len(of_class), folder / f"grid_{stems[name]}.png"))
    return PageSection("Patches of each class", blocks)


def finding_section(data: EdaInput, folder: Path) -> PageSection:
    """A grid and the files of each finding."""
    words = (
        f"Up to {SHOWN} patches of each finding, from as many patients as possible. Below each: "
        "patient, corner on the slide, class, and the measure of the finding."
    )
    blocks: list[Block] = [Text(words)]
    for block in _finding_blocks(data, folder):
        blocks += block
    if len(blocks) == 1:
        blocks = [Text("There are no findings.")]
    return PageSection("Patches of each finding", blocks)


def _finding_blocks(data: EdaInput, folder: Path) -> Iterator[list[Block]]:
    stems = safe_names(data.findings["finding"])
    findings = data.findings.sort_values("patches", ascending=False, kind="stable")
    for row in findings.to_dict("records"):
        name = str(row["finding"])
        flagged = data.flagged(name)
        if flagged.empty:
            continue
        chosen = pick(flagged, data.seed)
        caption = (
            f"{name}: {row['meaning']} {count(len(flagged), 'patch', 'patches')} of "
            f"{count(flagged['patient'].nunique(), 'patient')}, {row['dropped']:,} dropped."
        )
        files = chosen[[name for name in LISTED if name in chosen]]
        listing = Fold(
            f"Files of “{name}” ({len(chosen):,} of {len(flagged):,})",
            [Table(files)],
        )
        if name in WITHOUT_PIXELS:  # they would be black
            yield [Text(f"{caption} There are no pixels to show."), listing]
        else:
            path = folder / f"finding_{stems[name]}.png"
            yield [_grid(data, chosen, name, len(flagged), path, caption), listing]


def _grid(
    data: EdaInput, chosen: pd.DataFrame, name: str, of: int, path: Path, note: str = ""
) -> Picture:
    captions = [_caption(row, data, name) for _, row in chosen.iterrows()]
    patches = np.asarray(data.patches[chosen.index.to_numpy()])
    patients = count(chosen["patient"].nunique(), "patient")
    title = f"{literal(name)}: {len(chosen)} of {count(of, 'patch', 'patches')}, from {patients}"
    alt = f"Grid of {len(chosen)} patches: {name}"
    return figure_picture(patch_grid_figure(patches, captions, title), path, alt, note)


def _caption(row: "pd.Series[str]", data: EdaInput, finding: str) -> str:
    lines = [literal(str(row["patient"]), 20)]
    if place := position_words(row):
        lines.append(place)
    if finding in data.class_names:
        return "\n".join(lines)
    label = int(row["label"])
    lines.append(literal(data.class_names[label], 22) if label >= 0 else "class unknown")
    if finding in MEASURES:
        lines.append(f"{float(row[MEASURES[finding]]):.0%} {MEASURES[finding]}")
    elif finding in ("odd_size", "sliver"):
        lines.append(f"{row['width']}x{row['height']} px")
    elif finding in ("odd_mode", "odd_format"):
        lines.append(literal(str(row[finding.removeprefix("odd_")]), 22))
    if row["decision"] == "drop":
        lines[-1] += " · dropped"
    return "\n".join(lines)
