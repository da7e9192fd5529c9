"""The filters of a convolution, as small images."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.attribution import DIVERGING
from idc.plots.style import GREY, literal, new_figure, note_empty, wrap_grid

SHOWN = 64  # filters; half as many where each takes several tiles
PLANES = 6  # input channels of a filter that are shown, where they are not colours
CELL, PLANE = 0.95, 0.5  # inches: a filter in colour, one input channel of a filter
WIDTH = 7.6
COLOURS = 3


def filters_figure(
    weights: NDArray[np.floating], name: str, title: str = "Filters of the first convolution"
) -> Figure:
    """A tile a filter; those of three input channels in colour.

    Where inputs are not colours, up to six of a filter's input channels stand side by side. Each
    filter is scaled by itself, so that zero is mid-grey (or white) and its largest weight reaches
    the end of the scale. The number above it is the filter's strength, the root of its summed
    squares, as a share of the strongest one's: a filter of hardly any strength is noise, however
    clear it looks. Of more than 64 filters (32 where inputs are not colours) the strongest are
    shown.

    Args:
        weights: float (C, in, kh, kw).
        name: The layer's name.
        title: The figure's title.
    """
    count, inputs, height, width = weights.shape
    strength = np.sqrt((np.asarray(weights, np.float64) ** 2).sum((1, 2, 3)))
    planes = 1 if inputs in (1, COLOURS) else min(inputs, PLANES)
    most = SHOWN if planes == 1 else SHOWN // 2
    shown = np.sort(np.argsort(-strength, kind="stable")[:most])
    cell = CELL if planes == 1 else PLANE * planes + 0.2
    high = CELL if planes == 1 else PLANE
    per_row = max(1, int(WIDTH / cell))
    rows, columns = wrap_grid(len(shown), per_row)
    figure = new_figure(max(cell * columns, 5.6), (high + 0.22) * rows + 1.15)
    which = f"{count} filters" if count <= most else f"the {most} strongest of {count:,} filters"
    figure.suptitle(
        f"{literal(title, 70)}\n{literal(name)}: {which}, {height}x{width}", fontsize=11
    )
    # Filters of several tiles stand further apart than their tiles.
    gap = {"wspace": 0.04 if planes == 1 else 0.12}
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw=gap).ravel()
    for axes in grid:
        axes.set_axis_off()
    top = float(strength.max(initial=0.0)) or 1.0
    for axes, i in zip(grid, shown, strict=False):
        _draw(axes, np.asarray(weights[i], np.float64), planes)
        axes.set_title(f"#{i}  {strength[i] / top:.2f}", fontsize=7, pad=2, color=GREY)
    if not count:
        note_empty(grid[0], "no filters")
    figure.supxlabel(_words(inputs, planes), fontsize=8)
    return figure


def _draw(axes: Axes, weights: NDArray[np.float64], planes: int) -> None:
    scaled = weights / (np.abs(weights).max(initial=0.0) or 1.0)
    if len(weights) == COLOURS:
        axes.imshow(scaled.transpose(1, 2, 0) / 2 + 0.5, interpolation="nearest")
        return
    # Planes side by side, a column of nothing between two.
    gap = np.full((weights.shape[1], 1), np.nan)
    parts = [part for plane in scaled[:planes] for part in (gap, plane)][1:]
    axes.imshow(np.hstack(parts), cmap=DIVERGING, vmin=-1, vmax=1, interpolation="nearest")


def _words(inputs: int, planes: int) -> str:
    number = "Above a filter: its number and its strength beside the strongest."
    if inputs == COLOURS:
        return (
            f"{number}\nGrey is zero; a colour is what raises the output, by red, green and blue; "
            "dark lowers it."
        )
    split = ""
    if planes > 1:
        which = "all" if inputs == planes else f"the first {planes} of {inputs}"
        split = f"\nSide by side: its input channels, {which}."
    return f"{number}{split}\nWhite is zero, orange above and purple below."
