"""Grids of patches: samples, augmentations, best and worst predictions."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.style import GREY, new_figure, note_empty, wrap_grid

Block = tuple[NDArray[np.uint8], Sequence[str]]
PER_ROW = 10
CELL = 1.05  # inches
LARGE_PER_ROW, LARGE_CELL = 5, 1.55  # of patches large enough to see cells
CAPTION_LINE = 0.135  # inches


def sample_grid_figure(rows: Mapping[str, Block], title: str) -> Figure:
    """Blocks of patches under headings, each patch with a caption.

    Args:
        rows: Heading to patches, uint8 (n, H, W, 3), and captions, (n,); n may be 0.
        title: Title of the figure.
    """
    lines = max([1, *(caption.count("\n") + 1 for _, c in rows.values() for caption in c)])
    cell_height = CELL + 0.13 * lines
    depths = [max(1, -(-len(patches) // PER_ROW)) for patches, _ in rows.values()]
    widest = max([5, *(min(len(p), PER_ROW) for p, _ in rows.values())])
    figure = new_figure(CELL * widest, sum(depths) * cell_height + 0.35 * len(depths) + 0.4)
    figure.suptitle(title, fontsize=11)
    parts = figure.subfigures(len(rows), 1, height_ratios=[d + 0.2 for d in depths], squeeze=False)
    for part, depth, (heading, (patches, captions)) in zip(
        parts.ravel(), depths, rows.items(), strict=True
    ):
        part.suptitle(heading, fontsize=10, x=0.01, ha="left", weight="bold")
        grid = part.subplots(depth, widest, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, patch, caption in zip(grid, patches, captions, strict=False):
            show_patch(axes, patch)
            axes.set_title(caption, fontsize=6, y=0, pad=-3, va="top", linespacing=1.05)
        if not len(patches):
            note_empty(grid[0], "none")
    return figure


def augmented_grid_figure(
    original: NDArray[np.uint8], augmented: NDArray[np.uint8], title: str
) -> Figure:
    """One row per patch: the original, then random augmentations.

    Args:
        original: uint8 (r, H, W, 3).
        augmented: uint8 (r, c, H, W, 3).
        title: Title of the figure.
    """
    rows, columns = augmented.shape[:2]
    figure = new_figure(CELL * (columns + 1), CELL * rows + 0.6)
    figure.suptitle(title, fontsize=11)
    grid = figure.subplots(rows, columns + 1, squeeze=False)
    for i in range(rows):
        for j in range(columns + 1):
            axes = grid[i, j]
            axes.set_axis_off()
            show_patch(axes, original[i] if j == 0 else augmented[i, j - 1])
            if i == 0:
                axes.set_title("original" if j == 0 else f"draw {j}", fontsize=8, color=GREY)
    return figure


def patch_grid_figure(patches: NDArray[np.uint8], captions: Sequence[str], title: str) -> Figure:
    """Large patches in rows of five, each with a caption.

    Args:
        patches: uint8 (n, P, P, 3), RGB, n > 0.
        captions: Caption of each patch, (n,), drawn verbatim.
        title: Title of the figure.
    """
    rows, _ = wrap_grid(len(patches), LARGE_PER_ROW)
    lines = max(caption.count("\n") + 1 for caption in captions)
    figure = new_figure(
        LARGE_CELL * LARGE_PER_ROW, rows * (LARGE_CELL + CAPTION_LINE * lines) + 0.4
    )
    figure.suptitle(title, fontsize=12)
    grid = figure.subplots(rows, LARGE_PER_ROW, squeeze=False).ravel()
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


def show_patch(axes: Axes, patch: NDArray[np.uint8]) -> None:
    """Draw a patch without interpolation."""
    axes.imshow(patch, interpolation="nearest")
