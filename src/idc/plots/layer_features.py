"""Learned features: filters, feature maps, and the patches that activate single units most."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.style import (
    DIVERGING,
    GREY,
    SEQUENTIAL,
    Look,
    literal,
    new_figure,
    note_empty,
    shorten,
    wrap_grid,
)

MAX_SHOWN = 64  # filters; half as many if each has several tiles
MAX_PLANES = 6  # input channels shown per filter, if they are not colours
FILTER, PLANE = 0.95, 0.5  # inches: a filter in colour, one input channel of a filter
FILTERS_WIDTH = 7.6
COLOURS = 3
MAP, PATCH = 1.05, 2.3  # inches: a map, the patch
NAME = 24  # characters of a layer's name
# Ends in words, as the numbers differ by channel.
BARS = {SEQUENTIAL: ["channel's minimum", "", "maximum"], DIVERGING: ["below zero", "0", "above"]}
CELL = 1.3  # inches
LINE = 0.135  # inches per line of a caption
LEVEL = 0.5  # of the contour, as a share of the activation's range in the patch
MIN_SIDE = 4  # rows and columns of a map for a contour


def filters_figure(weights: NDArray[np.floating], name: str) -> Figure:
    """One tile per filter of (C, in, kh, kw), in colour for three input channels.

    Else up to six of a filter's input channels are shown side by side. Each filter has its own
    scale: zero is mid-grey (or white), and its largest weight is at the end of the scale. The
    number above it is its L2 norm relative to the strongest filter: a filter with a small norm is
    noise, however structured it looks. Of more than 64 filters (32 if inputs are not colours) the
    strongest are shown.
    """
    count, inputs, height, width = weights.shape
    norms = np.sqrt((np.asarray(weights, np.float64) ** 2).sum((1, 2, 3)))
    planes = 1 if inputs in (1, COLOURS) else min(inputs, MAX_PLANES)
    limit = MAX_SHOWN if planes == 1 else MAX_SHOWN // 2
    shown = np.sort(np.argsort(-norms, kind="stable")[:limit])
    cell = FILTER if planes == 1 else PLANE * planes + 0.2
    tile_height = FILTER if planes == 1 else PLANE
    per_row = max(1, int(FILTERS_WIDTH / cell))
    rows, columns = wrap_grid(len(shown), per_row)
    figure = new_figure(max(cell * columns, 5.6), (tile_height + 0.22) * rows + 1.15)
    which = f"{count} filters" if count <= limit else f"the {limit} strongest of {count:,} filters"
    figure.suptitle(f"Filters of the first convolution\n{literal(name)}: {which}, {height}x{width}")
    # More space between filters than between the tiles of a filter.
    gap = {"wspace": 0.04 if planes == 1 else 0.12}
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw=gap).ravel()
    for axes in grid:
        axes.set_axis_off()
    top = float(norms.max(initial=0.0)) or 1.0
    for axes, i in zip(grid, shown, strict=False):
        draw_filter(axes, np.asarray(weights[i], np.float64), planes)
        axes.set_title(f"#{i}  {norms[i] / top:.2f}", fontsize=7, pad=2, color=GREY)
    if not count:
        note_empty(grid[0], "no filters")
    figure.supxlabel(_filter_words(inputs, planes), fontsize=8)
    return figure


def draw_filter(axes: Axes, weights: NDArray[np.float64], planes: int) -> None:
    """Draw a filter, (in, kh, kw): in colour, or so many of its input channels side by side."""
    scaled = weights / (np.abs(weights).max(initial=0.0) or 1.0)
    if len(weights) == COLOURS:
        axes.imshow(scaled.transpose(1, 2, 0) / 2 + 0.5)
        return
    # Planes side by side, separated by an empty column.
    gap = np.full((weights.shape[1], 1), np.nan)
    parts = [part for plane in scaled[:planes] for part in (gap, plane)][1:]
    axes.imshow(np.hstack(parts), cmap=DIVERGING, vmin=-1, vmax=1)


def _filter_words(inputs: int, planes: int) -> str:
    number = "Above each filter: its number and its norm relative to the strongest filter."
    if inputs == COLOURS:
        return (
            f"{number}\nGrey is zero; bright channels of red, green and blue raise the output, "
            "dark ones lower it."
        )
    channels = ""
    if planes > 1:
        which = "all" if inputs == planes else f"the first {planes} of {inputs}"
        channels = f"\nSide by side: the input channels, {which}."
    return f"{number}{channels}\nWhite is zero, orange above and purple below."


@dataclass(frozen=True)
class MapRow:
    """Selected channels of a layer in one patch: their numbers and maps, float (c, h, w).

    `low` and `high` are the range of each over all patches that share a scale, float (c,).
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
    zero. `header` is above the patch, uint8 (H, W, 3): patient, position, label and score.
    """
    widest = max([1, *(len(row.chosen) for row in rows)])
    right_width = max(1.5 + MAP * widest, 4.2)
    figure = new_figure(PATCH + right_width, (MAP + 0.25) * max(len(rows), 2) + 1.1)
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


@dataclass(frozen=True)
class UnitRow:
    """A unit (channel) and its top-activating patches, uint8 (k, H, W, 3), k may be 0.

    By descending activation, with their maps, float (k, h, w), and captions.
    """

    header: str
    patches: NDArray[np.uint8]
    maps: NDArray[np.floating]
    captions: Sequence[str]


def top_patches_figure(units: Sequence[UnitRow], title: str, note: str = "") -> Figure:
    """One row per unit: its top-activating patches, with contours of the activation.

    The contour is at the middle between minimum and maximum of the activation in the patch. A flat
    map, or one with fewer than four rows or columns, has none.
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
