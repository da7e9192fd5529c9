"""Filters of a convolution as small images."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.style import DIVERGING, GREY, literal, new_figure, note_empty, wrap_grid

MAX_SHOWN = 64  # filters; half as many if each has several tiles
MAX_PLANES = 6  # input channels shown per filter, if they are not colours
CELL, PLANE = 0.95, 0.5  # inches: a filter in colour, one input channel of a filter
WIDTH = 7.6
COLOURS = 3


def filters_figure(weights: NDArray[np.floating], name: str) -> Figure:
    """One tile per filter, in colour for three input channels.

    Else up to six of a filter's input channels are shown side by side. Each filter has its own
    scale: zero is mid-grey (or white), and its largest weight is at the end of the scale. The
    number above it is its L2 norm relative to the strongest filter: a filter with a small norm is
    noise, however structured it looks. Of more than 64 filters (32 if inputs are not colours) the
    strongest are shown.

    Args:
        weights: float (C, in, kh, kw).
        name: Name of the layer.
    """
    count, inputs, height, width = weights.shape
    norms = np.sqrt((np.asarray(weights, np.float64) ** 2).sum((1, 2, 3)))
    planes = 1 if inputs in (1, COLOURS) else min(inputs, MAX_PLANES)
    limit = MAX_SHOWN if planes == 1 else MAX_SHOWN // 2
    shown = np.sort(np.argsort(-norms, kind="stable")[:limit])
    cell = CELL if planes == 1 else PLANE * planes + 0.2
    tile_height = CELL if planes == 1 else PLANE
    per_row = max(1, int(WIDTH / cell))
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
        _draw(axes, np.asarray(weights[i], np.float64), planes)
        axes.set_title(f"#{i}  {norms[i] / top:.2f}", fontsize=7, pad=2, color=GREY)
    if not count:
        note_empty(grid[0], "no filters")
    figure.supxlabel(_caption(inputs, planes), fontsize=8)
    return figure


def _draw(axes: Axes, weights: NDArray[np.float64], planes: int) -> None:
    scaled = weights / (np.abs(weights).max(initial=0.0) or 1.0)
    if len(weights) == COLOURS:
        axes.imshow(scaled.transpose(1, 2, 0) / 2 + 0.5)
        return
    # Planes side by side, separated by an empty column.
    gap = np.full((weights.shape[1], 1), np.nan)
    parts = [part for plane in scaled[:planes] for part in (gap, plane)][1:]
    axes.imshow(np.hstack(parts), cmap=DIVERGING, vmin=-1, vmax=1)


def _caption(inputs: int, planes: int) -> str:
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
