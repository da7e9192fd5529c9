"""Areas that hold most of the evidence, on their patches."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from idc.plots.style import BLACK, empty_figure, hide_rest, literal, new_figure, wrap_grid

PER_ROW = 4
CELL = 2.3  # inches
NARROW = 36  # characters of a line above a patch
MIN_SHARE = 0.1  # of the evidence, for a region worth showing
ROUNDING = 2.0  # points of a contour over which it is smoothed
LEGEND = "Lines surround areas that hold at least 10 % of the evidence; they outline no cells."
# Dark lines on wider white ones are visible on tissue of any colour.
DOUBLE = [patheffects.withStroke(linewidth=5, foreground="white")]


class Outlined(Protocol):
    """A region with outlines, such as `idc.slides.evidence_regions.Region`."""

    @property
    def box(self) -> tuple[int, int, int, int]:
        """First row, first column, last row + 1, last column + 1."""
        ...

    @property
    def contours(self) -> tuple[NDArray[np.float64], ...]:
        """Closed rings, (n, 2), x and y; a pixel covers column..column + 1."""
        ...

    @property
    def share(self) -> float:
        """Share of the map's positive mass, in [0, 1]."""
        ...


@dataclass(frozen=True)
class RegionCase:
    """A patch and its regions of evidence.

    Attributes:
        patch: uint8 (H, W, 3).
        regions: Regions in the order of their numbers, in patch pixels; may be empty.
        header: Kind, patient, position, label and score, drawn verbatim; at most two lines.
    """

    patch: NDArray[np.uint8]
    regions: Sequence[Outlined]
    header: str


def regions_figure(cases: Sequence[RegionCase], title: str, note: str = "") -> Figure:
    """Enlarged patches with the areas that hold much of the evidence.

    Only regions with at least 10 % of the map's positive mass are drawn, each with its share; below
    a patch without one is written that its evidence is scattered. Contours are rounded, as the map
    is less precise than its pixels.

    Args:
        cases: Any number of patches.
        title: Title of the figure, drawn verbatim.
        note: Line below, such as the method and what is explained.
    """
    if not cases:
        return empty_figure("no patches", literal(title, 120))
    rows, columns = wrap_grid(len(cases), PER_ROW)
    width = max(CELL * columns, 7.0)
    figure = new_figure(width, rows * (CELL + 0.6) + 1.0)
    figure.suptitle(literal(title, 120))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, case in zip(grid, cases, strict=False):
        _draw(axes, case)
    hide_rest(list(grid), len(cases))
    figure.supxlabel("\n".join([LEGEND, textwrap.fill(literal(note, 300), int(14 * width))]))
    return figure


def _draw(axes: Axes, case: RegionCase) -> None:
    height, width = case.patch.shape[:2]
    # Pixel edges at whole numbers, as in regions.
    axes.imshow(case.patch, extent=(0, width, height, 0))
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color="#bbbbbb")
    heads = [literal(line, NARROW) for line in case.header.splitlines()[:2]]
    axes.set_title("\n".join(heads), fontsize=8, loc="left", linespacing=1.1)
    shown = [region for region in case.regions if region.share >= MIN_SHARE]
    for region in shown:
        for ring in region.contours:
            x, y = gaussian_filter1d(ring[:-1], ROUNDING, axis=0, mode="wrap").T
            axes.fill(x, y, fill=False, edgecolor=BLACK, linewidth=2.2, path_effects=DOUBLE)
        top, left, bottom, right = region.box
        axes.text(
            (left + right) / 2,
            float(np.clip(bottom if bottom < 0.9 * height else top, 4, height - 4)),
            f"{region.share:.0%}",
            ha="center",
            va="center",
            weight="bold",
            fontsize=8,
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": BLACK},
        )
    largest = max((region.share for region in case.regions), default=0.0)
    total = sum(region.share for region in shown)
    scattered = f"scattered: at most {largest:.0%} in one place" if largest else "no evidence"
    axes.set_xlabel(f"{total:.0%} of the evidence" if shown else scattered, fontsize=8)
