"""Colours, style and layout shared by all figures.

Colours are those of Okabe & Ito (2008), which are distinguishable with any colour vision; curves
differ in their dashes as well. Figures are made without pyplot, which would register them: so they
can be drawn in threads and are freed.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, AMBER, YELLOW, BLACK, GREY = "#56B4E9", "#E69F00", "#F0E442", "#000000", "#767676"
CURVES = (BLUE, ORANGE, GREEN, PINK, SKY, AMBER, BLACK)
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))
MARKERS = "os^DvPX*"
STAGES = {"train": AMBER, "val": BLUE, "test": GREEN}
PLAIN = "cividis"  # scores: looks the same with any colour vision
SEQUENTIAL, DIVERGING = "inferno", "PuOr_r"  # evidence
Look = dict[str, Any]  # options of a drawing function
MAX_INSIDE = 4  # entries of a legend inside the axes

matplotlib.rcParams.update(
    {
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.labelsize": 9.5,
        "axes.prop_cycle": cycler(color=CURVES),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 10,
        "errorbar.capsize": 3,
        "figure.labelsize": 9,
        "figure.titlesize": 11,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.6,
        "image.interpolation": "nearest",
        "legend.fontsize": 9,
        "legend.frameon": False,
        "legend.title_fontsize": 9,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
    }
)


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


def unit_square(axes: Axes) -> None:
    """Set both axes to 0 to 1 with equal aspect."""
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_yticks(np.linspace(0, 1, 6))


def legend_below(figure: Figure, axes: Sequence[Axes], columns: int = 2, **options: Any) -> None:
    """Draw one legend of all axes below them, each label once."""
    entries: dict[str, Any] = {}
    for one in axes:
        handles, labels = one.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    if entries:
        place: Look = {"loc": "outside lower center", "ncols": columns} | options
        figure.legend(list(entries.values()), list(entries), **place)


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


def distinct(names: Sequence[str], limit: int) -> list[str]:
    """Escape and shorten names, numbered if they would become equal."""
    short = [literal(name, limit) for name in names]
    if len(set(short)) == len(short):
        return short
    return [f"{i}. {literal(name, limit - 4)}" for i, name in enumerate(names, 1)]


def note_empty(axes: Axes, text: str) -> None:
    """Write in the middle of empty axes why they are empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


def empty_figure(text: str, title: str = "") -> Figure:
    """A figure that only states why it is empty."""
    figure = new_figure(5.5, 2)
    figure.suptitle(title)
    axes = figure.subplots()
    axes.set_axis_off()
    note_empty(axes, text)
    return figure


def has_both(labels: NDArray[np.integer]) -> bool:
    """Whether 0 and 1 both occur."""
    return {0, 1} <= set(np.unique(labels).tolist())


def wrap_grid(count: int, per_row: int) -> tuple[int, int]:
    """Rows and columns for a number of panels."""
    columns = min(max(count, 1), per_row)
    return -(-count // columns), columns


def hide_rest(axes: Sequence[Axes], used: int) -> None:
    """Hide the unused panels of a grid."""
    for unused in axes[used:]:
        unused.set_visible(False)
