"""Feature maps of a patch: selected channels of each layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from idc.plots.attribution import DIVERGING, SEQUENTIAL
from idc.plots.patch_grids import show_patch
from idc.plots.style import GREY, literal, new_figure, note_empty, shorten

CELL, PATCH, BARS = 1.05, 2.3, 0.45  # inches: a map, the patch, the colour bars
NAME = 24  # characters of a layer's name


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
    height = (CELL + 0.2) * max(len(rows), 2)
    figure = new_figure(PATCH + right_width, height + BARS + 0.5)
    figure.suptitle(literal(title, 90), fontsize=12)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[height, BARS])[:, 0]
    left, right = above.subfigures(1, 2, squeeze=False, width_ratios=[PATCH, right_width])[0]
    alone = left.subplots()
    alone.set_axis_off()
    alone.set_anchor("N")
    show_patch(alone, patch)
    words = "\n".join(literal(line, 34) for line in header.split("\n"))
    alone.set_title(words, fontsize=8.5, loc="left")
    grid = right.subplots(len(rows), 1 + widest, squeeze=False, width_ratios=[1.5, *[1] * widest])
    for axes in grid.ravel():
        axes.set_axis_off()
    for line, row in zip(grid, rows, strict=True):
        _draw_row(line, row)
    _draw_bars(below, rows)
    if note:
        figure.supxlabel(literal(note, 160), fontsize=8)
    return figure


def _draw_row(line: NDArray[np.object_], row: MapRow) -> None:
    height, width = row.maps.shape[-2:]
    name = shorten(row.name, NAME)
    words = f"{len(row.chosen)} of {row.channels:,}\nmap {height}x{width}"
    for text, weight, side in ((literal(name), "bold", "bottom"), (words, "normal", "top")):
        line[0].text(
            0.0,
            0.53,
            text,
            transform=line[0].transAxes,
            fontsize=8.5,
            fontweight=weight,
            va=side,
        )
    if not len(row.chosen):
        note_empty(line[1], "no channel\nvaries")
    for axes, number, values, low, high in zip(
        line[1:], row.chosen, row.maps, row.low, row.high, strict=False
    ):
        scale, colours = _scale(float(low), float(high))
        axes.imshow(values, cmap=colours, norm=scale, interpolation="nearest")
        axes.set_title(f"#{number}", fontsize=7, pad=2, color=GREY)


def _scale(low: float, high: float) -> tuple[Normalize, str]:
    if low < 0:
        top = max(-low, high, 1e-12)
        return Normalize(-top, top), DIVERGING
    return Normalize(low, high if high > low else low + 1), SEQUENTIAL


def _draw_bars(below: SubFigure, rows: Sequence[MapRow]) -> None:
    """Draw a colour bar per kind of scale, with ends in words, as the numbers differ by channel."""
    lows = [float(low) for row in rows for low in row.low]
    kinds: list[tuple[str, list[float], list[str]]] = []
    if any(low >= 0 for low in lows):
        kinds.append((SEQUENTIAL, [0.0, 1.0], ["channel's minimum", "maximum"]))
    if any(low < 0 for low in lows):
        kinds.append((DIVERGING, [0.0, 0.5, 1.0], ["below zero", "0", "above"]))
    places = below.subplots(1, 2 * max(len(kinds), 1) + 1)
    for axes in places:
        axes.set_axis_off()
    for axes, (colours, ticks, words) in zip(places[1::2], kinds, strict=False):
        axes.set_axis_on()
        bar = below.colorbar(
            ScalarMappable(Normalize(0, 1), colours), cax=axes, orientation="horizontal"
        )
        bar.set_ticks(ticks, labels=words)
        bar.ax.tick_params(labelsize=7.5, length=2)
        bar.outline.set_visible(False)
