"""What the first convolution makes of one patch: each filter above its map."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.layer_features import BARS, COLOURS, MapRow, draw_filter
from idc.plots.style import DIVERGING, GREY, literal, new_figure, wrap_grid

PER_ROW = 8
TILE, PATCH = 0.92, 2.4  # inches


def first_layer_figure(
    patch: NDArray[np.uint8], weights: NDArray[np.floating], row: MapRow, header: str
) -> Figure:
    """The patch on the left; on the right the filters of some channels, each above its map.

    Args:
        patch: uint8 (H, W, 3).
        weights: The filters of all channels, float (C, in, kh, kw).
        row: The chosen channels and their maps, before the activation.
        header: Words above the patch: what it is, and how it was called.
    """
    lines, columns = wrap_grid(len(row.chosen), PER_ROW)
    height = lines * (2 * TILE + 0.2) + 0.75
    figure = new_figure(PATCH + max(TILE * columns, 4.0), height)
    figure.suptitle(
        f"First convolution ({literal(row.name)}): its filters, and where each responds"
    )
    widths = [PATCH, max(TILE * columns, 4.0)]
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=widths)[0]
    alone = left.subplots()
    alone.set_axis_off()
    alone.imshow(patch)
    words = "\n".join(literal(line, 34) for line in header.split("\n"))
    alone.set_title(words, fontsize=8.5, loc="left")
    grid = right.subplots(2 * lines, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for place, (number, values) in enumerate(zip(row.chosen, row.maps, strict=True)):
        line, column = divmod(place, columns)
        above, below = grid[2 * line, column], grid[2 * line + 1, column]
        draw_filter(above, np.asarray(weights[number], np.float64), 1)
        above.set_title(f"#{number}", fontsize=7, pad=2, color=GREY)
        largest = float(np.abs(values).max(initial=0.0)) or 1.0
        below.imshow(values, cmap=DIVERGING, vmin=-largest, vmax=largest)
    bar = alone.inset_axes((0.02, -0.14, 0.96, 0.05))
    scale = ScalarMappable(Normalize(-1, 1), DIVERGING)
    left.colorbar(scale, cax=bar, orientation="horizontal").set_ticks(
        [-1, 0, 1], labels=BARS[DIVERGING], fontsize=7
    )
    grey = (
        "Filters: grey is zero."
        if weights.shape[1] == COLOURS
        else "Filters: the first input channel."
    )
    size = f"{weights.shape[2]}x{weights.shape[3]}"
    shown = f"{len(row.chosen)} of {row.channels:,} filters ({size}), those whose maps vary most."
    figure.supxlabel(f"{shown} {grey} Each map has its own scale.", fontsize=8)
    return figure
