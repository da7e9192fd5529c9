"""Top-activating patches of units, with contours of the activation."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.style import Look, literal, new_figure, note_empty

CELL = 1.3  # inches
LINE = 0.135  # inches per line of a caption
LEVEL = 0.5  # of the contour, as a share of the activation's range in the patch
MIN_SIDE = 4  # rows and columns of a map for a contour


@dataclass(frozen=True)
class UnitRow:
    """A unit (channel) and its top-activating patches.

    Attributes:
        header: Description, such as ``channel 12`` and AUROC; may have several lines.
        patches: uint8 (k, H, W, 3), by descending activation; k may be 0.
        maps: Activation maps, float (k, h, w).
        captions: Patient, label and score of each patch, (k,); may have several lines.
    """

    header: str
    patches: NDArray[np.uint8]
    maps: NDArray[np.floating]
    captions: Sequence[str]


def top_patches_figure(units: Sequence[UnitRow], title: str, note: str = "") -> Figure:
    """One row per unit: its top-activating patches, with contours of the activation.

    The contour is at the middle between minimum and maximum of the activation in the patch. A flat
    map, or one with fewer than four rows or columns, has none.

    Args:
        units: At least one.
        title: Title of the figure.
        note: Lines below.
    """
    widest = max([1, *(len(unit.patches) for unit in units)])
    lines = max([1, *(c.count("\n") + 1 for unit in units for c in unit.captions)])
    width = max(CELL * (widest + 1.1), 6.5)
    legend = "Contour: activation at the middle of its range in the patch."
    if any(min(unit.maps.shape[1:]) < MIN_SIDE for unit in units):
        legend = "No contours for maps with fewer than four rows or columns."
    below = textwrap.wrap(f"{legend} {literal(note, 300) if note else ''}", int(13.5 * width))
    height = (CELL + LINE * lines) * len(units) + 0.7 + 0.16 * len(below)
    figure = new_figure(width, height)
    figure.suptitle(literal(title, 90))
    grid = figure.subplots(len(units), 1 + widest, squeeze=False, width_ratios=[1.1, *[1] * widest])
    for axes in grid.ravel():
        axes.set_axis_off()
    for row, unit in zip(grid, units, strict=True):
        row[0].text(0.0, 0.5, _escape(unit.header, 22), va="center", fontsize=8.5)
        if not len(unit.patches):
            note_empty(row[1], "no patch")
        cells = zip(row[1:], unit.patches, unit.maps, unit.captions, strict=False)
        for axes, patch, values, caption in cells:
            axes.imshow(patch)
            _contour(axes, np.asarray(values, np.float32), patch.shape[:2])
            place: Look = {
                "transform": axes.transAxes,
                "ha": "center",
                "va": "top",
                "linespacing": 1.1,
            }
            axes.text(0.5, -0.04, _escape(caption, 20), fontsize=7, **place)
    figure.supxlabel("\n".join(below), fontsize=8)
    return figure


def _escape(text: str, limit: int) -> str:
    """Escape and shorten each line of a text."""
    return "\n".join(literal(line, limit) for line in text.split("\n"))


def _contour(axes: Axes, values: NDArray[np.float32], size: tuple[int, ...]) -> None:
    low, high = float(values.min()), float(values.max())
    if min(values.shape) < MIN_SIDE or not high > low:
        return
    large = cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    # A frame below the level closes the contours at the patch's edge.
    padded = np.pad(large, 1, constant_values=low)
    at = np.arange(-1, size[1] + 1), np.arange(-1, size[0] + 1)
    look: Look = {"colors": "white", "linewidths": 1.1, "linestyles": "solid"}
    lines = axes.contour(*at, padded, levels=[low + LEVEL * (high - low)], **look)
    # Dark around light: visible on pale stroma as well as on dark nuclei.
    lines.set_path_effects([patheffects.withStroke(linewidth=2.6, foreground="black")])
    axes.set(xlim=(-0.5, size[1] - 0.5), ylim=(size[0] - 0.5, -0.5))
