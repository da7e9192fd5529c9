"""Attribution maps of patches: the patch, the map, and their overlay."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.faithfulness import with_sign
from idc.plots.style import BLACK, DIVERGING, GREY, ORANGE, SEQUENTIAL

CLIP = 99.5  # percentile at which colours saturate, so that one pixel does not dominate
BOTH = 3  # methods up to which the map is shown alone as well as over the patch
SMOOTHING = 0.03  # deviation of the Gaussian for display, as a share of the patch's side
# Inches. A grid of fixed margins, as a layout engine is slow with up to a hundred axes.
CELL, WORDS, LINE, FOOT = 1.5, 1.25, 0.165, 0.75
HEADING_WIDTH = 24  # characters above a column
SMOOTHED = "Maps are smoothed for display; the stored arrays are not."


@dataclass(frozen=True)
class AttributionCase:
    """One explained patch, uint8 (H, W, 3), with its maps, float (H, W), by method.

    `map_sizes` has the origin of a method's maps (``layer3, map 7x7``), `marks` why they cannot be
    trusted.
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

    Maps are smoothed slightly: single pixels of a gradient are noise to the eye. Signed maps have
    diverging colours around zero, the others a sequential scale. Each map has its own scale:
    colours compare positions within a patch, not patches. A method that failed a check is marked
    in its heading, and its maps have dashed frames.
    """
    wide = 2 if len(methods) <= BOTH else 1
    headings = [_heading(cases[0], method, wide) for method in methods]
    top = 0.5 + LINE * max((heading.count("\n") + 1 for heading in headings), default=0)
    width = max(WORDS + CELL * (1 + wide * len(methods)) + 0.1, 6.0)
    height = top + len(cases) * CELL + FOOT
    figure = Figure(figsize=(width, height))
    figure.suptitle(title, y=1 - 0.08 / height, va="top", parse_math=False)
    grid = figure.subplots(
        len(cases),
        2 + wide * len(methods),
        squeeze=False,
        width_ratios=[WORDS, *[CELL] * (1 + wide * len(methods))],
        gridspec_kw={
            "left": 0.01,
            "right": 1 - 0.1 / width,
            "top": 1 - top / height,
            "bottom": FOOT / height,
            "wspace": 0.07,
            "hspace": 0.07,
        },
    )
    # A method has the same kind of scale in all rows.
    signed = [any(np.min(case.maps[method]) < 0 for case in cases) for method in methods]
    for axes, case in zip(grid, cases, strict=True):
        axes[0].text(0, 1, case.header, va="top", fontsize=8, linespacing=1.25, parse_math=False)
        axes[1].imshow(case.patch)
        for one in axes[:2]:
            one.set_axis_off()
        for number, method in enumerate(methods):
            part = axes[2 + wide * number :][:wide]
            _draw(list(part), case, method, signed[number])
    for number, method in enumerate(methods):
        first, last = grid[0, 2 + wide * number], grid[-1, 1 + wide * (number + 1)]
        colour = ORANGE if method in cases[0].marks else BLACK
        first.set_title(
            headings[number], x=0.53 * wide, color=colour, fontsize=8.5, parse_math=False
        )
        bar = last.inset_axes((0.12 - (wide - 1), -0.12, wide - 0.24, 0.06))
        _draw_colour_bar(bar, signed[number])
    below = "\n".join(filter(None, [note, SMOOTHED]))
    figure.text(0.5, 0.06 / height, below, ha="center", va="bottom", fontsize=8, parse_math=False)
    return figure


def rescale(values: NDArray[np.floating], signed: bool = False) -> tuple[Normalize, str]:
    """Choose the scale and the colour map of an attribution map, float (H, W).

    Colours are diverging for negative values, or if `signed`.
    """
    top = float(np.percentile(np.abs(values), CLIP)) or float(np.abs(values).max()) or 1.0
    if signed or values.min() < 0:
        return Normalize(-top, top), DIVERGING
    return Normalize(0, top), SEQUENTIAL


def _heading(case: AttributionCase, method: str, wide: int) -> str:
    parts = [method, case.map_sizes.get(method, "")]
    if method in case.marks:
        parts.append(with_sign(case.marks[method]))
    return "\n".join(textwrap.fill(part, HEADING_WIDTH * wide) for part in parts if part)


def _draw(axes: Sequence[Axes], case: AttributionCase, method: str, signed: bool) -> None:
    raw = np.asarray(case.maps[method], np.float64)
    values = np.asarray(cv2.GaussianBlur(raw, (0, 0), SMOOTHING * max(raw.shape)))
    scale, colours = rescale(values, signed)
    if len(axes) > 1:
        axes[0].imshow(values, cmap=colours, norm=scale)
    overlay = axes[-1]
    # In grey: on the violet and pink of H&E, colours would be mistaken for stain.
    overlay.imshow(case.patch @ np.array([0.299, 0.587, 0.114]), cmap="gray", vmin=0, vmax=255)
    strength = np.clip(np.abs(values) / (scale.vmax or 1), 0, 1)
    overlay.imshow(values, cmap=colours, norm=scale, alpha=0.65 * strength**0.7)
    overlay.text(
        0.98, 0.02, f"max {np.abs(raw).max():.2g}", transform=overlay.transAxes, ha="right",
        va="bottom", fontsize=5.5, bbox={"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 0.8},
    )  # fmt: skip
    marked = method in case.marks
    for one in axes:
        one.set(xticks=[], yticks=[])
        one.spines[:].set(
            visible=True,
            color=ORANGE if marked else GREY,
            linewidth=1.6 if marked else 0.5,
            linestyle="--" if marked else "-",
        )


def _draw_colour_bar(axes: Axes, signed: bool) -> None:
    """Draw a colour bar; each map is scaled to its own maximum."""
    scale, colours = (Normalize(-1, 1), DIVERGING) if signed else (Normalize(0, 1), SEQUENTIAL)
    assert axes.figure is not None
    bar = axes.figure.colorbar(ScalarMappable(scale, colours), cax=axes, orientation="horizontal")
    bar.set_ticks([-1, 0, 1] if signed else [0, 1])
    bar.set_ticklabels(["against", "0", "for"] if signed else ["0", "most"])
    axes.tick_params(labelsize=7, length=2)
