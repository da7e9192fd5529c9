"""The worst errors of a run: enlarged patches and their surroundings."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.index import has_positions, position_words
from idc.reports.blocks import Album, AlbumItem, Block, Table, Text
from idc.reports.formats import patches
from idc.reports.picture import PHOTOGRAPH, Picture
from idc.reports.run_input import RunReport
from idc.text import count

SHOWN = 12  # errors of each kind
SIDE = 400  # approximate width of an enlarged patch, in CSS pixels
AROUND = 250  # maximum width of the surroundings, in pixels of the slide
FRAME, WHITE = (0, 60, 200), (255, 255, 255)
GLASS = 235  # grey level of places without a patch
COLUMNS = {"patient": "patient", "x": "x", "y": "y", "score": "score", "path": "file"}


def error_blocks(report: RunReport) -> list[Block]:
    """The worst errors of each kind: missed patches first, then false alarms."""
    test = report.test
    if test.empty:
        return []
    order = range(len(report.class_names))
    blocks: list[Block] = []
    for label in reversed(order) if report.two_classes else order:
        blocks += _kind(report, test[test["label"] == label], label)
    return blocks


def worst(rows: pd.DataFrame, number: int = SHOWN) -> pd.DataFrame:
    """The wrong predictions with the highest loss."""
    wrong = rows[rows["predicted"] != rows["label"]]
    return wrong.sort_values("loss", ascending=False, kind="stable").head(number)


def _kind(report: RunReport, of_class: pd.DataFrame, label: int) -> list[Block]:
    wrong = of_class[of_class["predicted"] != label]
    if of_class.empty:
        return []
    words = _words(report, label)
    if wrong.empty:
        return [Text(f"{words}: none among {patches(len(of_class))}.")]
    chosen = worst(of_class)
    shown = "all are shown" if len(chosen) == len(wrong) else f"the {len(chosen)} worst are shown"
    intro = Text(
        f"{words}: {len(wrong):,} of {patches(len(of_class))}, in "
        f"{count(wrong['patient'].nunique(), 'patient')}; {shown}, the most confident ones first. "
        "Open one to see it enlarged and in its surroundings."
    )
    if report.patches is None:
        kept = [name for name in COLUMNS if name in chosen]
        return [intro, Table(chosen[kept].rename(columns=COLUMNS), decimals=3)]
    return [intro, Album(_cards(report, chosen), square=True)]


def _words(report: RunReport, label: int) -> str:
    name = report.class_names[label]
    if not report.two_classes:
        return f"Labelled {name}, predicted as another class"
    return f"False alarms: {name} called {report.positive}" if label == 0 else f"Missed {name}"


def _cards(report: RunReport, chosen: pd.DataFrame) -> list[AlbumItem]:
    assert report.patches is not None
    shown = report.predictions["patient"].isin(chosen["patient"].unique())
    by_patient = dict(list(report.predictions[shown].groupby("patient")))
    cards = []
    for row in chosen.to_dict("records"):
        patch = np.asarray(report.patches[int(row["row"])])
        times = max(1, SIDE // patch.shape[0])
        decided = report.class_names[int(row["predicted"])]
        label = report.class_names[int(row["label"])]
        place = position_words(row, ", ")
        alt = f"Patch of patient {row['patient']}" + (f" at {place}" if place else "")
        checks = str(row.get("checks") or "").replace("_", " ").replace(",", ", ")
        findings = f" Findings of the data check: {checks}." if checks else ""
        caption = (
            f"Patient {row['patient']}{place and f', {place}'}. Labelled {label}, called "
            f"{decided}, score {row['score']:.3f}{_threshold_text(report)}.{findings} "
            f"File: {row['path']}."
        )
        picture = Picture.from_pixels(patch, f"{alt}, enlarged", caption, enlarged=times)
        cards.append(
            AlbumItem(
                str(row["patient"]),
                f"score {row['score']:.3f}" + (f"; {place}" if place else ""),
                Picture.from_pixels(patch, alt, enlarged=3),
                picture,
                _surroundings(report, by_patient[row["patient"]], row, alt),
            )
        )
    return cards


def _threshold_text(report: RunReport) -> str:
    return "" if report.threshold is None else f" (threshold {report.threshold:.3f})"


def _surroundings(
    report: RunReport, patient: pd.DataFrame, row: Mapping[Any, Any], alt: str
) -> Picture | None:
    """The patch among its neighbours on the slide, framed; None without neighbours."""
    assert report.patches is not None
    if not has_positions(patient):
        return None
    size = report.patch_size
    x, y = int(row["x"]), int(row["y"])
    reach = max(1, (AROUND // size - 1) // 2) * size
    near = patient[((patient["x"] - x).abs() <= reach) & ((patient["y"] - y).abs() <= reach)]
    stored = report.patches.shape[1]
    # Duplicate positions are no positions on a slide.
    if stored != size or len(near) < 2 or near.duplicated(["x", "y"]).any():
        return None
    rows = near["row"].to_numpy(np.int64)
    corners = near[["x", "y"]].to_numpy(np.int64) - np.array([x - reach, y - reach])
    side = 2 * reach + size
    canvas = paste(np.asarray(report.patches[np.sort(rows)]), corners[np.argsort(rows)], side)
    _frame(canvas, reach, size)
    times = max(1, round(1.25 * SIDE / side))
    caption = (
        f"The same place on the slide, framed, in {side}x{side} pixels. The model did not see its "
        "surroundings; places without a patch are grey."
    )
    return Picture.from_pixels(
        canvas, f"{alt}, in its surroundings", caption, PHOTOGRAPH, enlarged=times
    )


def paste(tiles: NDArray[np.uint8], corners: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
    """Paste tiles at their positions on a grey square, clipped to the square.

    Args:
        tiles: uint8 (n, P, P, 3).
        corners: int (n, 2), x and y of each tile's upper left corner.
        side: Side of the square, in pixels.

    Returns:
        uint8 (side, side, 3).
    """
    canvas = np.full((side, side, 3), GLASS, np.uint8)
    size = tiles.shape[1]
    for tile, (x, y) in zip(tiles, corners.tolist(), strict=True):
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + size, side), min(y + size, side)
        if left < right and top < bottom:
            canvas[top:bottom, left:right] = tile[top - y : bottom - y, left - x : right - x]
    return canvas


def _frame(canvas: NDArray[np.uint8], at: int, size: int) -> None:
    """Draw a frame around the square with corner `at` and side `size`."""
    for distance, colour in ((1, FRAME), (2, FRAME), (3, WHITE)):
        low, high = at - distance, at + size + distance - 1
        if low >= 0 and high < len(canvas):
            canvas[[low, high], low : high + 1] = colour
            canvas[low : high + 1, [low, high]] = colour
