"""A slide map of each patient."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.index import has_positions
from idc.plots.mosaic import find_places, mosaic, on_grid
from idc.plots.slide import slide_figure, tint
from idc.plots.style import class_colours, literal
from idc.reports.blocks import Album, AlbumItem, Block, Text
from idc.reports.eda_input import EdaInput
from idc.reports.filenames import safe_names
from idc.reports.page import PageSection
from idc.reports.picture import Picture, draw
from idc.text import count

LONGEST = 800  # pixels of a mosaic's longer side, somewhat more than the figure shows
FARTHEST = 1600  # patches; a larger extent means a wrong position
THUMBNAIL = 220  # pixels of the longer side
QUALITY = 70  # of the maps inside the page; the PNG files are lossless

HOW_TO_READ = (
    "Each patient's patches at their positions on the slide. On the left the tissue, on the right "
    "the same in grey, coloured by class; every class but the first is outlined. Crossed-out "
    "patches are dropped. Choose a thumbnail to open its map."
)


def slide_section(data: EdaInput, folder: Path) -> PageSection:
    """Draw a map of each patient that has positions into ``folder/slides``."""
    index = data.numbered()
    if not has_positions(index):
        return PageSection(
            "Slide maps", [Text("No maps: the images have no positions on a slide.")]
        )
    stems = safe_names(sorted(index["patient"].unique()))
    index = index[index["label"] >= 0]  # a name without a label has no position either
    cards: list[AlbumItem] = []
    left_out: list[str] = []
    for patient, rows in index.groupby("patient", sort=True):
        name = str(patient)
        # Dropped patches first: of overlapping patches, the kept one is visible.
        ordered = rows.iloc[np.argsort(rows["decision"] != "drop", kind="stable")]
        if _mappable(ordered, data.patch_size):
            cards.append(_card(data, name, ordered, folder / "slides" / f"{stems[name]}.png"))
        else:
            left_out.append(name)
    blocks: list[Block] = [Text(HOW_TO_READ), Album(cards)] if cards else []
    if left_out:
        blocks.append(Text(_why_not(left_out, len(stems))))
    return PageSection("Slide maps", blocks)


def _mappable(rows: pd.DataFrame, patch_size: int) -> bool:
    spans = [(rows[axis].max() - rows[axis].min()) // patch_size for axis in ("x", "y")]
    return 0 < int(max(spans)) <= FARTHEST


def _why_not(patients: Sequence[str], of: int) -> str:
    if len(patients) == of:
        return "No map: the patches have no positions on a slide, or they are too far apart."
    shown = ", ".join(patients[:10]) + (", ..." if len(patients) > 10 else "")
    return (
        f"No map of {len(patients):,} of {of:,} patients, whose patches share one position or are "
        f"more than {FARTHEST:,} patches apart: {shown}."
    )


def _card(data: EdaInput, name: str, rows: pd.DataFrame, path: Path) -> AlbumItem:
    x, y, label = (rows[key].to_numpy() for key in ("x", "y", "label"))
    places = find_places(x, y, data.patch_size)
    cell = int(np.clip(LONGEST // max(places.shape), 1, data.patches.shape[1]))
    tissue = mosaic(data.patches, x, y, data.patch_size, cell, rows.index.to_numpy())
    labels = on_grid(label, places, -1)
    dropped = on_grid((rows["decision"] == "drop").to_numpy(), places, False)
    facts = _facts(data, rows)
    title = f"{literal(name)}: {facts}"
    figure = slide_figure(tissue, labels, dropped, places, data.class_names, literal(title, 110))
    pixels = draw(figure, path)
    caption = f"Lossless: slides/{path.name}."
    if places.covered:
        verb = "is" if places.covered == 1 else "are"
        caption += f" {places.covered:,} of its patches {verb} covered by another."
    small = _thumbnail(tint(tissue, labels, class_colours(len(data.class_names))))
    return AlbumItem(
        name,
        facts,
        Picture.from_pixels(small, f"Thumbnail of the slide of patient {name}", quality=QUALITY),
        Picture.from_pixels(pixels, f"Slide map of patient {name}: {facts}", caption, QUALITY),
    )


def _facts(data: EdaInput, rows: pd.DataFrame) -> str:
    remaining = rows[rows["decision"] == "keep"]
    share = (remaining["label"] == len(data.class_names) - 1).mean() if len(remaining) else 0.0
    facts = [count(len(rows), "patch", "patches")]
    facts.append(f"{share:.0%} {data.class_names[-1]}")
    if len(dropped := rows[rows["decision"] == "drop"]):
        facts.append(f"{len(dropped):,} dropped")
    facts += [split for split in remaining["split"].unique() if split]
    return ", ".join(facts)


def _thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    factor = THUMBNAIL / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
