"""Legends of an embedding: colour and mark of each class or patient."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from idc.plots.style import CURVES, class_colours, literal

MARKERS = "o^sDvP*X<>pd"
MAX_NAMED = 12  # patients with a colour and a mark of their own
FAINT = "#c4c4c4"
OTHERS = -1  # code of the other patients
WIDTH, LETTERS = 4.4, 12.5  # width of a legend in inches; characters per inch


class LegendEntry(NamedTuple):
    """A line of a legend: code, label, and colour and mark of the points."""

    code: int
    name: str
    colour: str
    mark: str


def label_legend(label: NDArray[np.integer], class_names: Sequence[str]) -> list[LegendEntry]:
    """One entry per class, with its number of points.

    Args:
        label: int (n,).
        class_names: Name of each class.
    """
    counts = np.bincount(label, minlength=len(class_names))
    colours = class_colours(len(class_names))
    return [
        LegendEntry(
            i, f"{literal(name, 30)} ({counts[i]:,})", colours[i], MARKERS[i % len(MARKERS)]
        )
        for i, name in enumerate(class_names)
    ]


def patient_legend(patient: NDArray[np.str_]) -> list[LegendEntry]:
    """Entries of the patients with the most points, and one for all others.

    Args:
        patient: Patient of each point, (n,).

    Returns:
        At most 12 entries by name, whose code is the position among the sorted names; and one with
        the code -1 for the others, if any.
    """
    names, counts = np.unique(patient, return_counts=True)
    named = np.sort(np.argsort(-counts, kind="stable")[:MAX_NAMED])
    entries = [
        LegendEntry(
            int(code),
            literal(str(names[code]), 24),
            CURVES[i % len(CURVES)],
            MARKERS[i % len(MARKERS)],
        )
        for i, code in enumerate(named)
    ]
    if len(names) > len(named):
        entries.append(LegendEntry(OTHERS, f"{len(names) - len(named):,} others", FAINT, "o"))
    return entries


def _columns(entries: Sequence[LegendEntry]) -> int:
    """Number of columns that fit below a panel."""
    longest = max((len(entry.name) for entry in entries), default=0)
    return max(1, min(4, int(LETTERS * WIDTH / (longest + 5))))


def legend_rows(entries: Sequence[LegendEntry]) -> int:
    """Number of lines of a legend."""
    return -(-len(entries) // _columns(entries))


def draw_legend(axes: Axes, entries: Sequence[LegendEntry]) -> None:
    """Draw a legend at the top of otherwise empty axes."""
    handles = [
        Line2D([], [], linestyle="", marker=e.mark, color=e.colour, markersize=6, label=e.name)
        for e in entries
    ]
    legend = axes.legend(
        handles=handles,
        loc="upper center",
        ncols=min(_columns(entries), len(entries)),
        frameon=False,
        fontsize=8,
        borderaxespad=0,
        handletextpad=0.2,
        columnspacing=1.0,
    )
    # It has room of its own and must not shrink the panels.
    legend.set_in_layout(False)
