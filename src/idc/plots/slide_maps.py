"""The slide of one patient: tissue, truth, score, decision, errors and evidence."""

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
    UNKNOWN,
    Kind,
    draw_image,
    draw_kinds,
    draw_scores,
    ground_key,
)
from idc.plots.slide_sheet import Sheet, open_sheet
from idc.plots.slide_verdict import draw_errors, draw_evidence
from idc.plots.style import BLACK, ORANGE, class_colours, literal
from idc.text import count, per_cent

NUMBERED = 10  # regions that bear their number
TISSUE, TRUTH, SCORE, DECISION, ERRORS, EVIDENCE = range(6)  # panels


@dataclass(frozen=True, eq=False)
class SlideMaps:
    """What is known of the patches of one slide.

    Attributes:
        tissue: A mosaic, uint8 (H * cell, W * cell, 3), RGB; see `idc.plots.mosaic.mosaic`.
        places: Where the n patches lie.
        labels: int (n,), 0..k-1, -1 where unknown.
        predicted: int (n,), 0..k-1.
        scores: Two classes: calibrated probability of class 1; more: the predicted class's. Float
            (n,) in [0, 1].
        regions: Number of the called region of each patch, int (n,), from 1, 0 for none; see
            `idc.slides.positive_regions.number_regions`. None for no numbers.
        attribution: Attributions stitched on the slide's grid, float (H * c, W * c) for any c, NaN
            where there is none; None leaves the panel out.
        method: Name of the attribution method, and what is known of its map.
        mark: Why its maps are not to be trusted; "" if they are.
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
    """Maps of a slide, in slide pixels with y downwards: tissue, truth, score, decision, errors.

    A black line runs round what was called (any class but the first) in every panel; in that of the
    decision it has the colour of its class. The score's colours run from 0 to 1, unless it hardly
    varies; attributions have one scale a slide, cut at a high percentile of their sizes.

    Args:
        maps: The slide.
        patient: For the title.
        class_names: A name a class.
        threshold: ``score >= threshold`` was called class 1; None for k > 2.
    """
    two = len(class_names) == 2
    places, evidence = maps.places, maps.attribution is not None
    sheet = open_sheet(6 if evidence else 5, {SCORE, EVIDENCE} if evidence else {SCORE}, places)
    names = [literal(name, 24) for name in class_names]
    labels, predicted = (on_grid(x, places, -1) for x in (maps.labels, maps.predicted))
    called = predicted > 0

    draw_image(sheet.panels[TISSUE], maps.tissue, places, interpolation="antialiased")
    sheet.name(TISSUE, "tissue")
    keys = draw_truth(sheet, TRUTH, maps, names)
    scores = on_grid(np.asarray(maps.scores, np.float64), places, np.nan)
    of = f"probability of {names[1]}" if two else "probability of its decision"
    draw_scores(sheet, SCORE, scores, places, of, threshold)
    sheet.name(SCORE, "calibrated probability" if two else "confidence")
    _draw_decision(sheet, maps, predicted, names, threshold)
    if maps.attribution is not None:
        draw_evidence(sheet, EVIDENCE, maps.attribution, maps.tissue, places)
        heading = f"✗ {literal(maps.mark, 34)}" if maps.mark else "evidence, one scale"
        sheet.name(EVIDENCE, heading, literal(maps.method) if maps.method else "")
        if maps.mark:
            sheet.panels[EVIDENCE].title.set_color(ORANGE)
    for number, axes in enumerate(sheet.panels):
        if number != DECISION:  # where it has the colour of the class
            draw_outline(axes, called, places, BLACK, 0.8 * sheet.line)
    # After the line round what was called: what is missed lies at it, and must be seen.
    keys += draw_errors(sheet, ERRORS, maps.tissue, labels, predicted, names, places)
    if called.any():
        line = f"called {names[1]}" if two else f"called other than {names[0]}"
        keys.append(Line2D([], [], color=BLACK, linewidth=1.2, label=f"{line} ({called.sum():,})"))
    return sheet.close(_title(maps, patient, class_names), [*keys, ground_key()])


def _title(maps: SlideMaps, patient: str, class_names: Sequence[str]) -> str:
    known = maps.labels >= 0
    head = f"{literal(patient)}: {count(len(maps.labels), 'patch', 'patches')}"
    if not known.all():
        head += f", {int((~known).sum()):,} without a label"
    label, called = maps.labels[known], maps.predicted[known]
    if not known.any():
        return head
    if len(class_names) != 2:
        return f"{head}\n{per_cent(round(float((label == called).mean()), 3))} decided as labelled"
    name = literal(class_names[1], 30)
    hits, real, given = (
        int(x.sum()) for x in ((label == 1) & (called == 1), label == 1, called == 1)
    )
    recall = f"recall {hits / real:.3f}" if real else f"no labelled {name}, so no recall"
    precision = f"precision {hits / given:.3f}" if given else "nothing called, so no precision"
    burden = (
        f"{name} called in {given / len(label):.1%} of patches, labelled in {real / len(label):.1%}"
    )
    return f"{head}\n{recall}; {precision}; {burden}"


def draw_truth(
    sheet: Sheet,
    panel: int,
    maps: SlideMaps,
    names: Sequence[str],
) -> list[Artist]:
    """The labels; see `idc.plots.slide_panels.draw_kinds`.

    Args:
        sheet: Of the panel.
        panel: Its number.
        maps: The slide.
        names: A name a class, as they are to be drawn.
    """
    sheet.name(panel, "truth: the label")
    kinds = np.where(maps.labels >= 0, maps.labels, len(names))
    looks = [*_class_looks(names, "labelled "), UNKNOWN]
    return draw_kinds(
        sheet, panel, maps.tissue, on_grid(kinds, maps.places, -1), looks, maps.places
    )


def _class_looks(names: Sequence[str], start: str) -> list[Kind]:
    colours = class_colours(len(names))
    return [
        Kind(f"{start}{name}", colour, TINT, "", colour if number else None)
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
    looks = _class_looks(names, "called ")
    draw_kinds(sheet, DECISION, maps.tissue, predicted, looks, maps.places)
    regions = 0 if maps.regions is None else int(maps.regions.max(initial=0))
    few = f", {NUMBERED} largest numbered" if regions > NUMBERED else ""
    sheet.name(DECISION, f"decision{at}", f"{count(regions, 'region')}{few}" if regions else "")
    for number in range(1, min(regions, NUMBERED) + 1):
        sheet.panels[DECISION].text(
            *_inner_place(maps, number),
            str(number),
            ha="center",
            va="center",
            fontsize=9,
            weight="bold",
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            zorder=5,
        )


def _inner_place(maps: SlideMaps, number: int) -> tuple[float, float]:
    """The middle of the region's patch nearest its centre, in slide pixels."""
    inside = np.asarray(maps.regions) == number
    at = np.stack([maps.places.columns[inside], maps.places.rows[inside]], 1)
    nearest = at[((at - at.mean(0)) ** 2).sum(1).argmin()]
    x, y = (nearest + 0.5) * maps.places.patch_size + (maps.places.left, maps.places.top)
    return float(x), float(y)
