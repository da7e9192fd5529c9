"""The figures of the EDA report: overviews, grids of patches and slide maps, saved as PNG."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.index import has_positions, position_words
from idc.data.split.base import split_counts
from idc.plots.class_counts import (
    balance_figure,
    patches_per_patient_figure,
    patients_figure,
    shares_figure,
)
from idc.plots.image_sizes import sizes_figure
from idc.plots.mosaic import find_places, mosaic, on_grid
from idc.plots.patch_grids import patch_grid_figure
from idc.plots.patient_colours import colour_by_patient_figure, colour_space_figure
from idc.plots.slide import slide_figure, tint
from idc.plots.style import class_colours, literal
from idc.reports.eda_input import EdaInput
from idc.reports.eda_tables import dark_to_light, has_split, kept, patient_counts, set_counts
from idc.reports.filenames import safe_names
from idc.reports.picture import encode_picture
from idc.runtime.drawing import save_figure
from idc.text import count

SHOWN = 25  # patches of a grid
# The measure of a finding, shown below its patches.
MEASURES = {"near_white": "white", "near_grey": "grey", "ink": "ink"}
WITHOUT_PIXELS = {"unreadable", "truncated", "too_large"}
LONGEST = 800  # pixels of a mosaic's longer side, somewhat more than the figure shows
FARTHEST = 1600  # patches; a larger extent means a wrong position
THUMBNAIL, QUALITY = 220, 70  # pixels of the longer side; quality inside the page


def draw_overviews(data: EdaInput, stats: pd.DataFrame, folder: Path) -> None:
    """Draw classes, patients, colours and splits."""
    per_patient = patient_counts(data.index, data.class_names)
    figures = {"class_balance": shares_figure(set_counts(data.index, data.class_names))}
    sizes = data.index.loc[data.index["width"] > 0, ["width", "height"]].value_counts()
    if len(sizes) > 1:
        figures["sizes"] = sizes_figure(sizes)
    if data.patients_known:
        totals = per_patient.sum(axis=1).to_numpy()
        figures["patients"] = patients_figure(per_patient)
        figures["patches_per_patient"] = patches_per_patient_figure(totals)
    if len(stats) and data.patients_known and not data.grey:
        order = dark_to_light(stats)
        figures["colour_by_patient"] = colour_by_patient_figure(stats, order, data.class_names)
        figures["colour_space"] = colour_space_figure(stats, data.class_names)
    if has_split(data.index):
        figures["split_balance"] = balance_figure(split_counts(kept(data.index), data.class_names))
    for name, figure in figures.items():
        save_figure(figure, folder / f"{name}.png")


def pick(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Up to `SHOWN` random rows, from as many patients as possible, in the set's order."""
    shuffled = rows.sample(frac=1, random_state=seed)
    turn = shuffled.groupby("patient").cumcount()
    return shuffled.loc[turn.sort_values(kind="stable").index].head(SHOWN).sort_index()


def draw_class_grids(data: EdaInput, folder: Path) -> Iterator[dict[str, Any]]:
    """Draw a grid of patches of each class, and yield its ``name`` and ``figure``."""
    remaining = kept(data.numbered())
    for label, (name, stem) in enumerate(safe_names(data.class_names).items()):
        yield _grid(data, remaining[remaining["label"] == label], name, folder, f"grid_{stem}")


def draw_finding_grids(data: EdaInput, folder: Path) -> Iterator[dict[str, Any]]:
    """Draw a grid of each finding, and yield its ``name``, ``figure``, ``meaning`` and counts."""
    stems = safe_names(data.findings["finding"])
    findings = data.findings.sort_values("patches", ascending=False, kind="stable")
    for row in findings.to_dict("records"):
        name, flagged = str(row["finding"]), data.flagged(str(row["finding"]))
        if len(flagged):
            grid = _grid(data, flagged, name, folder, f"finding_{stems[name]}")
            yield {**grid, "meaning": row["meaning"], "dropped": row["dropped"]}


def _grid(data: EdaInput, rows: pd.DataFrame, name: str, folder: Path, stem: str) -> dict[str, Any]:
    chosen = pick(rows, data.seed)
    grid = {"name": name, "patches": len(rows), "patients": rows["patient"].nunique()}
    if chosen.empty or name in WITHOUT_PIXELS:  # they would be black
        return {**grid, "chosen": chosen, "figure": ""}
    captions = [_caption(row, data, name) for _, row in chosen.iterrows()]
    pixels = np.asarray(data.patches[chosen.index.to_numpy()])
    patients = count(chosen["patient"].nunique(), "patient")
    of = count(len(rows), "patch", "patches")
    title = f"{literal(name)}: {len(chosen)} of {of}, from {patients}"
    save_figure(patch_grid_figure(pixels, captions, title), folder / f"{stem}.png")
    return {**grid, "chosen": chosen, "figure": stem}


def _caption(row: "pd.Series[Any]", data: EdaInput, finding: str) -> str:
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


def draw_slides(data: EdaInput, folder: Path) -> Iterator[dict[str, Any]]:
    """Draw a map of each patient with positions into ``folder/slides``.

    Yields:
        ``patient``; for those with a map also ``facts``, ``figure``, ``covered`` (int) and
        ``thumbnail``.
    """
    index = data.numbered()
    stems = safe_names(sorted(index["patient"].unique()))
    index = index[index["label"] >= 0]  # a name without a label has no position either
    for patient, rows in index.groupby("patient", sort=True) if has_positions(index) else ():
        # Dropped patches first: of overlapping patches, the kept one is visible.
        ordered = rows.iloc[np.argsort(rows["decision"] != "drop", kind="stable")]
        extent = (rows[["x", "y"]].max() - rows[["x", "y"]].min()).max() // data.patch_size
        name = str(patient)
        drawn = _slide(data, name, ordered, folder, stems[name]) if 0 < extent <= FARTHEST else {}
        yield {"patient": name, **drawn}


def _slide(
    data: EdaInput, name: str, rows: pd.DataFrame, folder: Path, stem: str
) -> dict[str, Any]:
    x, y, label = (rows[key].to_numpy() for key in ("x", "y", "label"))
    places = find_places(x, y, data.patch_size)
    cell = int(np.clip(LONGEST // max(places.shape), 1, data.patches.shape[1]))
    tissue = mosaic(data.patches, x, y, data.patch_size, cell, rows.index.to_numpy())
    labels = on_grid(label, places, -1)
    dropped = on_grid((rows["decision"] == "drop").to_numpy(), places, False)
    facts = _slide_facts(data, rows)
    title = literal(f"{name}: {facts}", 110)
    figure = slide_figure(tissue, labels, dropped, places, data.class_names, title)
    save_figure(figure, folder / "slides" / f"{stem}.png")
    small = _thumbnail(tint(tissue, labels, class_colours(len(data.class_names))))
    return {
        "facts": facts,
        "figure": f"slides/{stem}",
        "covered": places.covered,
        "thumbnail": encode_picture(small, QUALITY),
    }


def _slide_facts(data: EdaInput, rows: pd.DataFrame) -> str:
    remaining = rows[rows["decision"] == "keep"]
    share = (remaining["label"] == len(data.class_names) - 1).mean() if len(remaining) else 0.0
    facts = [count(len(rows), "patch", "patches"), f"{share:.0%} {data.class_names[-1]}"]
    if dropped := len(rows) - len(remaining):
        facts.append(f"{dropped:,} dropped")
    return ", ".join([*facts, *filter(None, remaining["split"].unique())])


def _thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    factor = THUMBNAIL / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
