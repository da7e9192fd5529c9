"""Legends of an embedding: which colour and mark stands for which class or patient."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from idc.plots.style import CURVES, class_colours, literal

MARKERS = "o^sDvP*X<>pd"
NAMED = 12  # patients with a colour and a mark of their own
FAINT = "#c4c4c4"
OTHERS = -1  # stands for the patients without a look of their own
WIDTH, LETTERS = 4.4, 12.5  # inches of a legend; letters that fit in one


class LegendEntry(NamedTuple):
    """A line of a legend: what it stands for, its words, and how its points look."""

    code: int
    name: str
    colour: str
    mark: str


def label_legend(label: NDArray[np.integer], class_names: Sequence[str]) -> list[LegendEntry]:
    """An entry a class, with its number of points.

    Args:
        label: int (n,).
        class_names: A name a class.
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
    """Patients with a look of their own, those with the most points; then the rest, if any.

    Args:
        patient: A name a point, (n,).

    Returns:
        At most 12 entries, by name, whose code is the name's place among the sorted names; and one
        with the code -1 for all others.
    """
    names, counts = np.unique(patient, return_counts=True)
    named = np.sort(np.argsort(-counts, kind="stable")[:NAMED])
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
    """As many as fit below a panel."""
    longest = max((len(entry.name) for entry in entries), default=0)
    return max(1, min(4, int(LETTERS * WIDTH / (longest + 5))))


def legend_rows(entries: Sequence[LegendEntry]) -> int:
    """Lines that a legend takes."""
    return -(-len(entries) // _columns(entries))


def draw_legend(axes: Axes, entries: Sequence[LegendEntry]) -> None:
    """A legend at the top of axes that hold nothing else."""
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
    # There is room for it: it must not push the panels aside.
    legend.set_in_layout(False)
