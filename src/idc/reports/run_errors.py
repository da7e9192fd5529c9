"""The worst errors of a run: enlarged patches and their surroundings."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.index import has_positions, position_words
from idc.evaluation.against_rest import against_rest, classes_of
from idc.plots.mosaic import paste
from idc.reports.picture import PHOTOGRAPH, Picture, encode_picture
from idc.reports.run_input import RunReport

SHOWN = 12  # errors of each kind
SHOWN_OF_LABEL = 4  # where each of several labels has its own
WHAT = ("label", "predicted")
SIDE = 400  # approximate width of an enlarged patch, in CSS pixels
AROUND = 250  # maximum width of the surroundings, in pixels of the slide
FRAME, WHITE = (0, 60, 200), (255, 255, 255)


def worst(rows: pd.DataFrame, shown: int = SHOWN) -> pd.DataFrame:
    """The wrong predictions with the highest loss."""
    wrong = rows[rows["predicted"] != rows["label"]]
    return wrong.sort_values("loss", ascending=False, kind="stable").head(shown)


def error_kinds(report: RunReport) -> Iterator[dict[str, Any]]:
    """The worst errors of each class or label, missed patches first, for the template.

    Yields:
        ``label``, ``positive`` (bool), ``patches``, ``wrong`` and ``patients`` (int) and ``cards``
        (the worst).
    """
    order = list(enumerate(map(str, report.class_names)))
    if report.multi_label:
        for number, name in order:
            of_label = against_rest(report.test, number)
            for label in (1, 0):
                yield from _kind(report, of_label, label, name, SHOWN_OF_LABEL)
        return
    for label, name in reversed(order) if report.two_classes else order:
        yield from _kind(report, report.test, label, name, SHOWN)


def _kind(
    report: RunReport, test: pd.DataFrame, label: int, name: str, shown: int
) -> Iterator[dict[str, Any]]:
    """The errors on the patches with a label, if there are such patches."""
    of_class = test[test["label"] == label]
    if of_class.empty:
        return
    wrong = of_class[of_class["predicted"] != label]
    yield {
        "label": name,
        "positive": label == 1,
        "patches": len(of_class),
        "wrong": len(wrong),
        "patients": wrong["patient"].nunique(),
        "cards": list(_cards(report, worst(of_class, shown))),
    }


def _cards(report: RunReport, chosen: pd.DataFrame) -> Iterator[dict[str, Any]]:
    shown = report.predictions["patient"].isin(chosen["patient"].unique())
    by_patient = dict(list(report.predictions[shown].groupby("patient")))
    for row in chosen.to_dict("records"):
        patch = np.asarray(report.patches[int(row["row"])])
        around = _surroundings(report, by_patient[row["patient"]], row)
        label, decided = (classes_of(row, report.class_names, what) for what in WHAT)
        yield {
            **{key: row[key] for key in ("patient", "score", "path")},
            "place": position_words(row, ", "),
            "label": label,
            "decided": decided,
            "checks": str(row.get("checks") or "").replace("_", " ").replace(",", ", "),
            "patch": encode_picture(patch),
            "times": max(1, SIDE // patch.shape[0]),
            "around": around,
            "around_times": around and max(1, round(1.25 * SIDE / around.width)),
        }


def _surroundings(
    report: RunReport, patient: pd.DataFrame, row: Mapping[Any, Any]
) -> Picture | None:
    """The patch among its neighbours on the slide, framed; None without neighbours."""
    if not has_positions(patient):
        return None
    size = report.patch_size
    x, y = int(row["x"]), int(row["y"])
    reach = max(1, (AROUND // size - 1) // 2) * size
    near = patient[((patient["x"] - x).abs() <= reach) & ((patient["y"] - y).abs() <= reach)]
    # Duplicate positions are no positions on a slide.
    if len(near) < 2 or near.duplicated(["x", "y"]).any():
        return None
    rows = near["row"].to_numpy(np.int64)
    corners = near[["x", "y"]].to_numpy(np.int64) - np.array([x - reach, y - reach])
    side = 2 * reach + size
    canvas = paste(np.asarray(report.patches[np.sort(rows)]), corners[np.argsort(rows)], side)
    _frame(canvas, reach, size)
    return encode_picture(canvas, PHOTOGRAPH)


def _frame(canvas: NDArray[np.uint8], at: int, size: int) -> None:
    """Draw a frame around the square with corner `at` and side `size`."""
    for distance, colour in ((1, FRAME), (2, FRAME), (3, WHITE)):
        low, high = at - distance, at + size + distance - 1
        if low >= 0 and high < len(canvas):
            canvas[[low, high], low : high + 1] = colour
            canvas[low : high + 1, [low, high]] = colour
