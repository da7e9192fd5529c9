"""A square of patches, large enough to see cells."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.patches import show_patch
from idc.plots.style import new_figure, wrap_grid

PER_ROW = 5
CELL = 1.55  # inches
LINE = 0.135  # inches that a line of a caption takes


def patch_grid_figure(patches: NDArray[np.uint8], captions: Sequence[str], title: str) -> Figure:
    """Patches in rows of five, a caption below each.

    Args:
        patches: uint8 (n, P, P, 3), RGB, n > 0.
        captions: Words a patch, (n,), drawn as they stand.
        title: The figure's title.
    """
    rows, _ = wrap_grid(len(patches), PER_ROW)
    lines = max(caption.count("\n") + 1 for caption in captions)
    figure = new_figure(CELL * PER_ROW, rows * (CELL + LINE * lines) + 0.4)
    figure.suptitle(title, fontsize=12)
    grid = figure.subplots(rows, PER_ROW, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, patch, caption in zip(grid, patches, captions, strict=False):
        show_patch(axes, patch)
        axes.text(
            0.5,
            -0.03,
            caption,
            transform=axes.transAxes,
            ha="center",
            va="top",
            fontsize=8,
            linespacing=1.1,
        )
    return figure
