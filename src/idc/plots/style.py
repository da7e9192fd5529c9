"""Colours and layout shared by all figures.

Colours are those of Okabe & Ito (2008), which are distinguishable with any colour vision; curves
differ in their dashes as well. Figures are made without pyplot, which would register them: so they
can be drawn in threads and are freed.
"""

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, AMBER, YELLOW, BLACK, GREY = "#56B4E9", "#E69F00", "#F0E442", "#000000", "#767676"
CURVES = (BLUE, ORANGE, GREEN, PINK, SKY, AMBER, BLACK)
Place = Literal["lower right", "lower left", "upper left"]
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))
STAGES = {"train": AMBER, "val": BLUE, "test": GREEN}
MAX_INSIDE = 4  # entries of a legend inside the axes


def class_colours(classes: int) -> list[str]:
    """Colour of each class; blue for the first, vermilion for the second."""
    return [CURVES[i % len(CURVES)] for i in range(classes)]


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """Make an empty figure with constrained layout; sizes are in inches."""
    return Figure(figsize=(width, height), layout="constrained", **options)


def curve_style(number: int) -> dict[str, Any]:
    """Colour and dashes of the n-th curve; 28 are distinct."""
    return {
        "color": CURVES[number % len(CURVES)],
        "linestyle": DASHES[(number % len(CURVES) + number // len(CURVES)) % len(DASHES)],
        "linewidth": 1.8,
    }


def tidy(axes: Axes, grid: bool = True) -> None:
    """Hide the upper and right spines, and draw a light grid."""
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)


def mark_unknown(axes: Axes, place: int) -> None:
    """Write "unknown" in the middle of a row, in place of a value that there is not."""
    axes.text(
        0.5,
        place,
        "unknown",
        transform=axes.get_yaxis_transform(),
        ha="center",
        va="center",
        color=GREY,
        fontsize=8,
    )


def unit_square(axes: Axes) -> None:
    """Set both axes to 0 to 1 with equal aspect."""
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_yticks(np.linspace(0, 1, 6))


def legend(axes: Axes, place: Place) -> None:
    """Draw a legend, inside the axes for a few curves, beside them for many."""
    handles, _ = axes.get_legend_handles_labels()
    if not handles:  # nothing could be drawn
        return
    if len(handles) > MAX_INSIDE:
        figure = cast(Figure, axes.get_figure(root=True))
        figure.legend(handles=handles, loc="outside right center", frameon=False, fontsize=8)
    else:
        axes.legend(loc=place, frameon=True, framealpha=0.9, edgecolor="none", fontsize=9)


def shorten(text: str, limit: int) -> str:
    """Shorten a text to `limit` characters by removing its middle."""
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[-(limit - 1 - head) :]}"


def literal(text: str, limit: int = 40) -> str:
    """Escape a name for matplotlib, on one line of at most `limit` characters.

    Names come from folders and tables: two dollar signs would be parsed as a formula, and a line
    break would shift the rest of the figure.
    """
    one_line = " ".join(text.split()) if text.strip() else "(no name)"
    return shorten(one_line, limit).replace("$", r"\$")


def note_empty(axes: Axes, text: str) -> None:
    """Write in the middle of empty axes why they are empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


def has_both(labels: NDArray[np.integer]) -> bool:
    """Whether 0 and 1 both occur."""
    present = set(np.unique(labels).tolist())
    return {0, 1} <= present


def wrap_grid(count: int, per_row: int) -> tuple[int, int]:
    """Rows and columns for a number of panels."""
    columns = min(max(count, 1), per_row)
    return -(-count // columns), columns


def hide_rest(axes: Sequence[Axes], used: int) -> None:
    """Hide the unused panels of a grid."""
    for unused in axes[used:]:
        unused.set_visible(False)
