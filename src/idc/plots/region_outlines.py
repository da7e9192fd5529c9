"""Areas that hold most of the evidence, on their patches."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.style import BLACK, Look, empty_figure, hide_rest, literal, new_figure, wrap_grid

PER_ROW = 4
CELL = 2.3  # inches
NARROW = 36  # characters of a line above a patch
MIN_SHARE = 0.1  # of the evidence, for a region worth showing
ROUNDING = range(-2, 3)  # points of a contour over which it is averaged
LEGEND = "Lines surround areas that hold at least 10 % of the evidence; they outline no cells."
# Dark lines on wider white ones are visible on tissue of any colour.
DOUBLE = [patheffects.withStroke(linewidth=5, foreground="white")]


@dataclass(frozen=True)
class RegionCase:
    """A patch and its regions of evidence.

    Attributes:
        patch: uint8 (H, W, 3).
        areas: Share of the map's positive mass in each region of evidence, in [0, 1], and its
            closed contours, (n, 2), x and y; a pixel covers column..column + 1. May be empty.
        header: Kind, patient, position, label and score, drawn verbatim; at most two lines.
    """

    patch: NDArray[np.uint8]
    areas: Sequence[tuple[float, Sequence[NDArray[np.float64]]]]
    header: str


def regions_figure(cases: Sequence[RegionCase], title: str, note: str = "") -> Figure:
    """Enlarged patches with the areas that hold much of the evidence.

    Only regions with at least 10 % of the map's positive mass are drawn, each with its share; below
    a patch without one is written that its evidence is scattered. Contours are rounded, as the map
    is less precise than its pixels.
    """
    if not cases:
        return empty_figure("no patches", literal(title, 120))
    rows, columns = wrap_grid(len(cases), PER_ROW)
    width = max(CELL * columns, 7.0)
    figure = new_figure(width, rows * (CELL + 0.6) + 1.0)
    how = textwrap.fill(literal(note, 300), int(11 * width))
    figure.suptitle(f"{literal(title, 120)}\n{how}" if note else literal(title, 120))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, case in zip(grid, cases, strict=False):
        _draw(axes, case)
    hide_rest(list(grid), len(cases))
    figure.supxlabel(LEGEND)
    return figure


def _draw(axes: Axes, case: RegionCase) -> None:
    height, width = case.patch.shape[:2]
    # Pixel edges at whole numbers, as in regions.
    axes.imshow(case.patch, extent=(0, width, height, 0))
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color="#bbbbbb")
    heads = [literal(line, NARROW) for line in case.header.splitlines()[:2]]
    axes.set_title("\n".join(heads), fontsize=8, loc="left", linespacing=1.1)
    shares = [share for share, _ in case.areas]
    for share, contours in case.areas:
        if share < MIN_SHARE:
            continue
        for ring in contours:
            x, y = np.mean([np.roll(ring[:-1], step, 0) for step in ROUNDING], axis=0).T
            axes.fill(x, y, fill=False, edgecolor=BLACK, linewidth=2.2, path_effects=DOUBLE)
        low, high = contours[0].min(0), contours[0].max(0)
        at = high[1] if high[1] < 0.9 * height else low[1]
        box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": BLACK}
        middle: Look = {"ha": "center", "va": "center", "weight": "bold", "bbox": box}
        axes.text((low[0] + high[0]) / 2, np.clip(at, 4, height - 4), f"{share:.0%}", **middle)
    total = sum(share for share in shares if share >= MIN_SHARE)
    words = f"scattered: at most {max(shares):.0%} in one place" if shares else "no evidence"
    axes.set_xlabel(f"{total:.0%} of the evidence" if total else words, fontsize=8)
