"""Attribution maps of patches: the patch, the map, and their overlay."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.patch_grids import show_patch
from idc.plots.style import BLACK, GREY, ORANGE

SEQUENTIAL, DIVERGING = "inferno", "PuOr_r"
CLIP = 99.5  # percentile at which colours saturate, so that one pixel does not dominate
BOTH = 3  # methods up to which the map is shown alone as well as over the patch
# Inches. Positions are computed, as a layout engine is slow with up to a hundred axes.
CELL, GAP, WORDS, LINE = 1.42, 0.12, 1.3, 0.155
HEADING_WIDTH = 24  # characters above a column


@dataclass(frozen=True)
class AttributionCase:
    """One explained patch.

    Attributes:
        patch: uint8 (H, W, 3).
        maps: Method to attribution, float (H, W).
        header: Kind, patient, position, label and score.
        map_sizes: Method to the origin of its map: ``layer3, map 7x7``.
        marks: Method to why its maps cannot be trusted, for such methods.
    """

    patch: NDArray[np.uint8]
    maps: Mapping[str, NDArray[np.floating]]
    header: str
    map_sizes: Mapping[str, str]
    marks: Mapping[str, str] = field(default_factory=dict)


def attribution_figure(
    cases: Sequence[AttributionCase], methods: Sequence[str], title: str, note: str = ""
) -> Figure:
    """One row per case: the patch, and each method's map over it; alone as well for few methods.

    Signed maps have diverging colours around zero, the others a sequential scale. Each map has its
    own scale: colours compare positions within a patch, not patches. A method that failed a check
    is marked in its heading, and its maps have dashed frames.

    Args:
        cases: At least one.
        methods: Methods to show, in order.
        title: Title of the figure.
        note: Line below, such as what is explained.
    """
    wide = 2 if len(methods) <= BOTH else 1
    lefts, width = _columns(len(methods), wide)
    headings = {method: _heading(cases[0], method) for method in methods}
    top = 0.45 + LINE * max((h.count("\n") + 1 for h in headings.values()), default=0)
    bottom = 0.62 + (0.2 if note else 0)
    height = top + len(cases) * (CELL + GAP) + bottom
    figure = Figure(figsize=(width, height))
    figure.text(0.5, 1 - 0.08 / height, title, ha="center", va="top", fontsize=11, parse_math=False)
    # A method has the same kind of scale in all rows.
    signed = {m: any(np.min(case.maps[m]) < 0 for case in cases) for m in methods}
    place = _Layout(figure, width, height, top)
    for number, case in enumerate(cases):
        place.words(number, case.header)
        patch_axes = place.cell(number, WORDS)
        show_patch(patch_axes, case.patch)
        patch_axes.set_axis_off()
        for method, left in zip(methods, lefts, strict=True):
            axes = [place.cell(number, left + i * (CELL + GAP)) for i in range(wide)]
            _draw(axes, case, method, signed[method])
    for method, left in zip(methods, lefts, strict=True):
        across = wide * CELL + (wide - 1) * GAP
        colour = ORANGE if method in cases[0].marks else BLACK
        place.heading(left + across / 2, headings[method], colour)
        _draw_colour_bar(place.bar(left, across, bottom), signed[method])
    if note:
        figure.text(
            0.5, 0.06 / height, note, ha="center", va="bottom", fontsize=8, parse_math=False
        )
    return figure


def rescale(values: NDArray[np.floating], signed: bool = False) -> tuple[Normalize, str]:
    """Choose the scale and the colour map of an attribution map.

    Args:
        values: Attribution, float (H, W).
        signed: Whether to use diverging colours even without negative values.
    """
    top = float(np.percentile(np.abs(values), CLIP)) or float(np.abs(values).max()) or 1.0
    if signed or values.min() < 0:
        return Normalize(-top, top), DIVERGING
    return Normalize(0, top), SEQUENTIAL


@dataclass(frozen=True)
class _Layout:
    """Layout of the page, in inches from the left and by row number."""

    figure: Figure
    width: float
    height: float
    top: float

    def cell(self, row: int, left: float) -> Axes:
        low = self.height - self.top - (row + 1) * (CELL + GAP) + GAP
        return self._axes(left, low, CELL, CELL)

    def bar(self, left: float, across: float, bottom: float) -> Axes:
        return self._axes(left + 0.15, bottom - 0.22, across - 0.3, 0.1)

    def words(self, row: int, text: str) -> None:
        y = 1 - (self.top + row * (CELL + GAP)) / self.height
        self.figure.text(
            0.1 / self.width, y, text, va="top", fontsize=7.5, linespacing=1.25, parse_math=False
        )

    def heading(self, middle: float, text: str, colour: str) -> None:
        y = 1 - (self.top - 0.06) / self.height
        self.figure.text(
            middle / self.width, y, text, ha="center", va="bottom", fontsize=8,
            color=colour, linespacing=1.15, parse_math=False,
        )  # fmt: skip

    def _axes(self, left: float, low: float, across: float, up: float) -> Axes:
        w, h = self.width, self.height
        return self.figure.add_axes((left / w, low / h, across / w, up / h))


def _columns(methods: int, wide: int) -> tuple[list[float], float]:
    """Left edges of the methods' columns, and the width of the figure."""
    first, across = WORDS + CELL + 2 * GAP, wide * (CELL + GAP) + GAP
    lefts = [first + number * across for number in range(methods)]
    return lefts, max(first + methods * across, 5.5)


def _heading(case: AttributionCase, method: str) -> str:
    width = HEADING_WIDTH * (2 if len(case.maps) <= BOTH else 1)
    parts = [method, case.map_sizes.get(method, "")]
    if method in case.marks:
        parts.append(f"✗ {case.marks[method]}")
    return "\n".join(textwrap.fill(part, width) for part in parts if part)


def _draw(axes: Sequence[Axes], case: AttributionCase, method: str, signed: bool) -> None:
    values = np.asarray(case.maps[method], np.float64)
    scale, colours = rescale(values, signed)
    if len(axes) > 1:
        axes[0].imshow(values, cmap=colours, norm=scale, interpolation="nearest")
    overlay = axes[-1]
    # In grey: on the violet and pink of H&E, colours would be mistaken for stain.
    grey = case.patch @ np.array([0.299, 0.587, 0.114])
    overlay.imshow(grey, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    strength = np.clip(np.abs(values) / (abs(scale.vmax or 0) or 1), 0, 1)
    overlay.imshow(values, cmap=colours, norm=scale, alpha=0.65 * strength**0.7)
    overlay.text(
        0.98, 0.02, f"max {np.abs(values).max():.2g}", transform=overlay.transAxes, ha="right",
        va="bottom", fontsize=5.5, bbox={"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 0.8},
    )  # fmt: skip
    for one in axes:
        one.set(xticks=[], yticks=[])
        marked = method in case.marks
        one.spines[:].set(color=ORANGE if marked else GREY, linewidth=1.6 if marked else 0.5)
        one.spines[:].set_linestyle("--" if marked else "-")
        one.spines[:].set_visible(True)


def _draw_colour_bar(axes: Axes, signed: bool) -> None:
    """Draw a colour bar; each map is scaled to its own maximum."""
    scale, colours = (Normalize(-1, 1), DIVERGING) if signed else (Normalize(0, 1), SEQUENTIAL)
    assert axes.figure is not None
    bar = axes.figure.colorbar(ScalarMappable(scale, colours), cax=axes, orientation="horizontal")
    bar.set_ticks([-1, 0, 1] if signed else [0, 1])
    bar.set_ticklabels(["against", "0", "for"] if signed else ["0", "most"])
    axes.tick_params(labelsize=7, length=2)
