"""What excites a unit: the patches with its largest activation, and where in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.patch_grids import show_patch
from idc.plots.style import literal, new_figure, note_empty

CELL = 1.3  # inches
LINE = 0.135  # inches that a line of a caption takes
LEVEL = 0.5  # of the patch's own range: what the contour encloses
SMALLEST = 4  # a map of fewer rows or columns says nothing of where


@dataclass(frozen=True)
class UnitRow:
    """A unit and the patches that excite it most.

    Attributes:
        header: What is known of it: ``channel 12``, AUROC; may have lines.
        patches: uint8 (k, H, W, 3), the most exciting first; k may be 0.
        maps: Its map on each, float (k, h, w).
        captions: Patient, label and score of each, (k,); may have lines.
    """

    header: str
    patches: NDArray[np.uint8]
    maps: NDArray[np.floating]
    captions: Sequence[str]


def top_patches_figure(units: Sequence[UnitRow], title: str, note: str = "") -> Figure:
    """A row a unit: its patches, with a contour around where it is active.

    The contour encloses what is above the middle between the lowest and the highest activation in
    that patch. Where the map is flat, or has fewer than four rows or columns, there is none.

    Args:
        units: At least one.
        title: The figure's title.
        note: A line below.
    """
    widest = max([1, *(len(unit.patches) for unit in units)])
    lines = max([1, *(c.count("\n") + 1 for unit in units for c in unit.captions)])
    figure = new_figure(max(CELL * (widest + 1.1), 6.5), (CELL + LINE * lines) * len(units) + 0.85)
    figure.suptitle(literal(title, 90), fontsize=12)
    grid = figure.subplots(len(units), 1 + widest, squeeze=False, width_ratios=[1.1, *[1] * widest])
    for axes in grid.ravel():
        axes.set_axis_off()
    for line, unit in zip(grid, units, strict=True):
        words = "\n".join(literal(part, 22) for part in unit.header.split("\n"))
        line[0].text(0.0, 0.5, words, transform=line[0].transAxes, va="center", fontsize=8.5)
        if not len(unit.patches):
            note_empty(line[1], "no patch")
        for axes, patch, values, caption in zip(
            line[1:], unit.patches, unit.maps, unit.captions, strict=False
        ):
            show_patch(axes, patch)
            _contour(axes, np.asarray(values, np.float32), patch.shape[:2])
            _caption(axes, caption)
    how = "Line: around the places where the channel is above the middle of its range in the patch."
    if any(min(unit.maps.shape[1:]) < SMALLEST for unit in units):
        how = "No lines where a map is too coarse to say where in the patch."
    figure.supxlabel("\n".join(filter(None, [how, literal(note, 160) if note else ""])), fontsize=8)
    return figure


def _contour(axes: Axes, values: NDArray[np.float32], size: tuple[int, ...]) -> None:
    low, high = float(values.min()), float(values.max())
    if min(values.shape) < SMALLEST or not high > low:
        return
    large = cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    # A rim below the level closes the lines that would end at the patch's edge.
    framed = np.pad(large, 1, constant_values=low)
    across, down = np.arange(-1, size[1] + 1), np.arange(-1, size[0] + 1)
    lines = axes.contour(
        across,
        down,
        framed,
        levels=[low + LEVEL * (high - low)],
        colors="white",
        linewidths=1.1,
        linestyles="solid",
    )
    # Dark around light: seen on pale stroma as well as on dark nuclei.
    lines.set_path_effects([patheffects.withStroke(linewidth=2.6, foreground="black")])
    axes.set(xlim=(-0.5, size[1] - 0.5), ylim=(size[0] - 0.5, -0.5))


def _caption(axes: Axes, caption: str) -> None:
    words = "\n".join(literal(line, 20) for line in caption.split("\n"))
    axes.text(
        0.5,
        -0.04,
        words,
        transform=axes.transAxes,
        ha="center",
        va="top",
        fontsize=7,
        linespacing=1.1,
    )
