"""Maps of one slide: tissue, labels, scores, decisions, errors and evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from idc.plots.mosaic import Places, on_grid
from idc.plots.slide import TINT, draw_outline
from idc.plots.slide_panels import (
    UNLABELLED,
    PlaceStyle,
    background_key,
    draw_image,
    draw_kinds,
    draw_scores,
)
from idc.plots.slide_sheet import Sheet, new_sheet
from idc.plots.slide_verdict import draw_errors, draw_evidence
from idc.plots.style import BLACK, ORANGE, class_colours, literal
from idc.text import count, per_cent

MAX_NUMBERED = 10  # regions that are labelled with their number
TISSUE, LABELS, SCORE, DECISION, ERRORS, EVIDENCE = range(6)  # panels


@dataclass(frozen=True, eq=False)
class SlideMaps:
    """Predictions and attributions of the patches of one slide.

    Attributes:
        tissue: Mosaic, uint8 (H * cell, W * cell, 3), RGB; see `idc.plots.mosaic.mosaic`.
        places: Places of the n patches.
        labels: int (n,), 0..k-1, -1 if unknown.
        predicted: int (n,), 0..k-1.
        scores: Calibrated probability, float (n,) in [0, 1], of class 1 for two classes, of the
            predicted class for more.
        regions: Number of the called region of each patch, int (n,), from 1, 0 for none; see
            `idc.slides.positive_regions.number_regions`. None for no numbers.
        attribution: Stitched attributions on the slide's grid, float (H * c, W * c) for any c, NaN
            without a patch; None omits the panel.
        method: Name of the attribution method, and origin of its map.
        mark: Why its maps cannot be trusted; "" if they can.
    """

    tissue: NDArray[np.uint8]
    places: Places
    labels: NDArray[np.integer]
    predicted: NDArray[np.integer]
    scores: NDArray[np.floating]
    regions: NDArray[np.integer] | None = None
    attribution: NDArray[np.floating] | None = None
    method: str = ""
    mark: str = ""


def slide_maps_figure(
    maps: SlideMaps, patient: str, class_names: Sequence[str], threshold: float | None
) -> Figure:
    """Maps of a slide in slide pixels with y downwards: tissue, labels, scores, decisions, errors.

    A black line outlines what was called (any class but the first) in every panel; in the panel of
    decisions it has the colour of the class. Colours of scores range from 0 to 1, unless scores
    hardly vary; attributions have one scale per slide, clipped at a high percentile.

    Args:
        maps: Slide to draw.
        patient: Name of the patient, for the title.
        class_names: Name of each class.
        threshold: ``score >= threshold`` was called class 1; None for k > 2.
    """
    binary = len(class_names) == 2
    places, evidence = maps.places, maps.attribution is not None
    sheet = new_sheet(6 if evidence else 5, {SCORE, EVIDENCE} if evidence else {SCORE}, places)
    names = [literal(name, 24) for name in class_names]
    labels, predicted = (on_grid(x, places, -1) for x in (maps.labels, maps.predicted))
    called = predicted > 0

    draw_image(sheet.panels[TISSUE], maps.tissue, places, interpolation="antialiased")
    sheet.set_title(TISSUE, "tissue")
    keys = _draw_labels(sheet, LABELS, maps, names)
    scores = on_grid(np.asarray(maps.scores, np.float64), places, np.nan)
    of = f"probability of {names[1]}" if binary else "probability of the decision"
    draw_scores(sheet, SCORE, scores, places, of, threshold)
    sheet.set_title(SCORE, "calibrated probability" if binary else "confidence")
    _draw_decision(sheet, maps, predicted, names, threshold)
    if maps.attribution is not None:
        draw_evidence(sheet, EVIDENCE, maps.attribution, maps.tissue, places)
        heading = f"✗ {literal(maps.mark, 34)}" if maps.mark else "evidence, one scale per slide"
        sheet.set_title(EVIDENCE, heading, literal(maps.method) if maps.method else "")
        if maps.mark:
            sheet.panels[EVIDENCE].title.set_color(ORANGE)
    for number, axes in enumerate(sheet.panels):
        if number != DECISION:  # outlined in the colour of the class
            draw_outline(axes, called, places, BLACK, 0.8 * sheet.line)
    # After the outline, which must not hide missed patches next to it.
    keys += draw_errors(sheet, ERRORS, maps.tissue, labels, predicted, names, places)
    if called.any():
        line = f"called {names[1]}" if binary else f"called other than {names[0]}"
        keys.append(Line2D([], [], color=BLACK, linewidth=1.2, label=f"{line} ({called.sum():,})"))
    return sheet.finish(_title(maps, patient, class_names), [*keys, background_key()])


def _title(maps: SlideMaps, patient: str, class_names: Sequence[str]) -> str:
    labelled = maps.labels >= 0
    head = f"{literal(patient)}: {count(len(maps.labels), 'patch', 'patches')}"
    if not labelled.all():
        head += f", {int((~labelled).sum()):,} without a label"
    label, called = maps.labels[labelled], maps.predicted[labelled]
    if not labelled.any():
        return head
    if len(class_names) != 2:
        return f"{head}\naccuracy {per_cent(round(float((label == called).mean()), 3))}"
    name = literal(class_names[1], 30)
    hits, positives, calls = (
        int(x.sum()) for x in ((label == 1) & (called == 1), label == 1, called == 1)
    )
    recall = (
        f"recall {hits / positives:.3f}" if positives else f"recall undefined (no labelled {name})"
    )
    precision = (
        f"precision {hits / calls:.3f}" if calls else f"precision undefined (no called {name})"
    )
    burden = (
        f"{name} called in {calls / len(label):.1%} of patches, "
        f"labelled in {positives / len(label):.1%}"
    )
    return f"{head}\n{recall}; {precision}; {burden}"


def _draw_labels(
    sheet: Sheet,
    panel: int,
    maps: SlideMaps,
    names: Sequence[str],
) -> list[Artist]:
    """Draw the labels; see `idc.plots.slide_panels.draw_kinds`.

    Args:
        sheet: Sheet of the panel.
        panel: Number of the panel.
        maps: Slide to draw.
        names: Name of each class, escaped.
    """
    sheet.set_title(panel, "labels")
    kinds = np.where(maps.labels >= 0, maps.labels, len(names))
    styles = [*_class_styles(names, "labelled "), UNLABELLED]
    return draw_kinds(
        sheet, panel, maps.tissue, on_grid(kinds, maps.places, -1), styles, maps.places
    )


def _class_styles(names: Sequence[str], start: str) -> list[PlaceStyle]:
    colours = class_colours(len(names))
    return [
        PlaceStyle(f"{start}{name}", colour, TINT, "", colour if number else None)
        for number, (name, colour) in enumerate(zip(names, colours, strict=True))
    ]


def _draw_decision(
    sheet: Sheet,
    maps: SlideMaps,
    predicted: NDArray[np.integer],
    names: Sequence[str],
    threshold: float | None,
) -> None:
    at = "" if threshold is None else f" at {threshold:.2f}"
    styles = _class_styles(names, "called ")
    draw_kinds(sheet, DECISION, maps.tissue, predicted, styles, maps.places)
    regions = 0 if maps.regions is None else int(maps.regions.max(initial=0))
    few = f", {MAX_NUMBERED} largest numbered" if regions > MAX_NUMBERED else ""
    sheet.set_title(
        DECISION, f"decision{at}", f"{count(regions, 'region')}{few}" if regions else ""
    )
    for number in range(1, min(regions, MAX_NUMBERED) + 1):
        sheet.panels[DECISION].text(
            *_inner_point(maps, number),
            str(number),
            ha="center",
            va="center",
            fontsize=9,
            weight="bold",
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            zorder=5,
        )


def _inner_point(maps: SlideMaps, number: int) -> tuple[float, float]:
    """Middle of the region's patch that is nearest to its centre, in slide pixels."""
    inside = np.asarray(maps.regions) == number
    at = np.stack([maps.places.columns[inside], maps.places.rows[inside]], 1)
    nearest = at[((at - at.mean(0)) ** 2).sum(1).argmin()]
    x, y = (nearest + 0.5) * maps.places.patch_size + (maps.places.left, maps.places.top)
    return float(x), float(y)
