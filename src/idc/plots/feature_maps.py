"""A patch and the maps of some channels of each layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.style import (
    DIVERGING,
    GREY,
    SEQUENTIAL,
    literal,
    new_figure,
    note_empty,
    shorten,
)

CELL, PATCH = 1.05, 2.3  # inches: a map, the patch
NAME = 24  # characters of a layer's name
# Ends in words, as the numbers differ by channel.
BARS = {SEQUENTIAL: ["channel's minimum", "", "maximum"], DIVERGING: ["below zero", "0", "above"]}


@dataclass(frozen=True)
class MapRow:
    """Selected channels of a layer in one patch.

    Attributes:
        name: Name of the layer.
        channels: Number of its channels.
        chosen: Numbers of the selected channels, int (c,); c may be 0.
        maps: float (c, h, w).
        low: Minimum of each channel over all patches that share a scale, float (c,).
        high: Maximum of each channel, float (c,).
    """

    name: str
    channels: int
    chosen: NDArray[np.integer]
    maps: NDArray[np.floating]
    low: NDArray[np.floating]
    high: NDArray[np.floating]


def feature_maps_figure(
    patch: NDArray[np.uint8], rows: Sequence[MapRow], header: str, title: str, note: str = ""
) -> Figure:
    """The patch on the left, and one row per layer on the right with one map per channel.

    Each channel has its own scale from `low` (dark) to `high` (bright), shared by the figures of
    all patches with these limits. Channels with negative values have diverging colours around
    zero.

    Args:
        patch: uint8 (H, W, 3).
        rows: One row per layer, from input to output; at least one.
        header: Patient, position, label and score, in lines above the patch.
        title: Title of the figure.
        note: Line below.
    """
    widest = max([1, *(len(row.chosen) for row in rows)])
    right_width = max(1.5 + CELL * widest, 4.2)
    figure = new_figure(PATCH + right_width, (CELL + 0.25) * max(len(rows), 2) + 1.1)
    figure.suptitle(literal(title, 90))
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[PATCH, right_width])[0]
    alone = left.subplots()
    alone.set_axis_off()
    alone.imshow(patch)
    words = "\n".join(literal(line, 34) for line in header.split("\n"))
    alone.set_title(words, fontsize=8.5, loc="left")
    grid = right.subplots(len(rows), 1 + widest, squeeze=False, width_ratios=[1.5, *[1] * widest])
    for axes in grid.ravel():
        axes.set_axis_off()
    used: dict[str, None] = {}
    for line, row in zip(grid, rows, strict=True):
        used |= _draw_row(line, row)
    for number, colours in enumerate(used):
        scale = ScalarMappable(Normalize(0, 1), colours)
        bar = alone.inset_axes((0.02, -0.18 - 0.25 * number, 0.96, 0.05))
        left.colorbar(scale, cax=bar, orientation="horizontal").set_ticks(
            [0, 0.5, 1], labels=BARS[colours], fontsize=7
        )
    if note:
        figure.supxlabel(literal(note, 160), fontsize=8)
    return figure


def _draw_row(line: NDArray[np.object_], row: MapRow) -> dict[str, None]:
    """Draw the maps of a layer; return the colour maps that were used."""
    height, width = row.maps.shape[-2:]
    words = f"{len(row.chosen)} of {row.channels:,}\nmap {height}x{width}"
    name = literal(shorten(row.name, NAME))
    line[0].text(0.0, 0.53, name, va="bottom", fontsize=8.5, weight="bold")
    line[0].text(0.0, 0.53, words, va="top", fontsize=8.5)
    if not len(row.chosen):
        note_empty(line[1], "no channel\nvaries")
    used: dict[str, None] = {}
    for axes, number, values, low, high in zip(
        line[1:], row.chosen, row.maps, row.low, row.high, strict=False
    ):
        top = max(-low, high, 1e-12)
        colours = DIVERGING if low < 0 else SEQUENTIAL
        ends = (-top, top) if low < 0 else (low, high if high > low else low + 1)
        axes.imshow(values, cmap=colours, vmin=ends[0], vmax=ends[1])
        axes.set_title(f"#{number}", fontsize=7, pad=2, color=GREY)
        used[colours] = None
    return used
