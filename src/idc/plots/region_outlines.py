"""Outlines of regions of evidence on their patches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from idc.plots.style import BLACK, hide_rest, literal, new_figure, note_empty, wrap_grid

PER_ROW = 5
CELL = 2.3  # inches
IN_LINE = 3  # regions per line of the caption
NARROW = 32  # characters of a line above a patch
# Dark lines on wider white ones are visible on tissue of any colour.
DOUBLE = [effects.Stroke(linewidth=3.2, foreground="white"), effects.Normal()]
THIN = [effects.Stroke(linewidth=2.0, foreground="white"), effects.Normal()]


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
    """Enlarged patches with contour, bounding box and number of each region of evidence.

    The caption of a patch gives the share of the positive attribution in each region.

    Args:
        cases: Any number of patches.
        title: Title of the figure, drawn verbatim.
        note: Line below, such as the method and what is explained.
    """
    rows, columns = wrap_grid(max(len(cases), 1), PER_ROW)
    lines = max([1, *(1 + (len(case.regions) - 1) // IN_LINE for case in cases)])
    width = max(CELL * columns, 0.085 * len(title), 0.07 * len(note), 5.0)
    figure = new_figure(width, rows * (CELL + 0.3 + 0.16 * lines) + 0.8)
    figure.suptitle(literal(title, 120), fontsize=11)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, case in zip(grid, cases, strict=False):
        _draw(axes, case)
    if not cases:
        grid[0].set_axis_off()
        note_empty(grid[0], "no patches")
    hide_rest(list(grid), max(len(cases), 1))
    if note:
        figure.supxlabel(literal(note, 200), fontsize=8)
    return figure


def _draw(axes: Axes, case: RegionCase) -> None:
    height, width = case.patch.shape[:2]
    # Pixel edges at whole numbers, as in regions.
    axes.imshow(case.patch, interpolation="nearest", extent=(0, width, height, 0))
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axes.spines[:].set_color("#bbbbbb")
    heads = [literal(line, NARROW) for line in case.header.splitlines()[:2]]
    axes.set_title("\n".join(heads), fontsize=7.5, loc="left", linespacing=1.1)
    for region in case.regions:
        top, left, bottom, right = region.box
        axes.add_patch(
            Rectangle(
                (left, top),
                right - left,
                bottom - top,
                fill=False,
                edgecolor=BLACK,
                linewidth=0.8,
                linestyle=(0, (4, 3)),
                path_effects=THIN,
            )
        )
    for region in case.regions:
        for ring in region.contours:
            x, y = ring.T
            axes.plot(x, y, color=BLACK, linewidth=1.4, path_effects=DOUBLE, clip_on=False)
    # Numbers last, so that no line crosses them.
    taken: list[tuple[float, float]] = []
    for number, region in enumerate(case.regions, 1):
        x, y = _free_corner(region.box, (height, width), taken)
        taken.append((x, y))
        axes.text(
            x,
            y,
            str(number),
            fontsize=8,
            weight="bold",
            ha="center",
            va="center",
            color="white",
            bbox={"boxstyle": "circle,pad=0.22", "facecolor": BLACK, "edgecolor": "white"},
        )
    axes.set_xlabel(_caption(case.regions), fontsize=7.5, linespacing=1.15)


def _free_corner(
    box: tuple[int, int, int, int], shape: tuple[int, int], taken: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """Corner of the box, inside the patch, that is farthest from the numbers already drawn.

    Of corners that are far enough, the first (upper left) is used.
    """
    top, left, bottom, right = box
    margin = 0.07 * np.array(shape, float)
    corners = [
        (
            float(np.clip(x, margin[1], shape[1] - margin[1])),
            float(np.clip(y, margin[0], shape[0] - margin[0])),
        )
        for x, y in ((left, top), (right, top), (left, bottom), (right, bottom))
    ]
    enough = 0.15 * max(shape)
    room = [min([enough, *(float(np.hypot(x - a, y - b)) for a, b in taken)]) for x, y in corners]
    return corners[int(np.argmax(room))]


def _caption(regions: Sequence[Outlined]) -> str:
    """Number and share of each region, a few per line."""
    if not regions:
        return "no region"
    parts = [f"{i}: {100 * region.share:.0f} %" for i, region in enumerate(regions, 1)]
    lines = ["   ".join(parts[i : i + IN_LINE]) for i in range(0, len(parts), IN_LINE)]
    return "\n".join(lines)
