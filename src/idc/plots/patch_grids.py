"""Grids of patches: samples, augmentations, best and worst predictions."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from idc.plots.style import Look, new_figure, note_empty, wrap_grid

Block = tuple[NDArray[np.uint8], Sequence[str]]
PER_ROW, CELL = 10, 1.05  # inches
LARGE_PER_ROW, LARGE_CELL = 5, 1.55  # of patches large enough to see cells
LINE = 0.135  # inches per line of a caption


def sample_grid_figure(rows: Mapping[str, Block], title: str) -> Figure:
    """Blocks of patches, uint8 (n, H, W, 3), n may be 0, under headings, each with its captions."""
    lines = max([1, *(_lines(captions) for _, captions in rows.values())])
    depths = [max(1, -(-len(patches) // PER_ROW)) for patches, _ in rows.values()]
    widest = max([5, *(min(len(patches), PER_ROW) for patches, _ in rows.values())])
    height = sum(depths) * (CELL + LINE * lines) + 0.35 * len(depths) + 0.4
    figure = new_figure(CELL * widest, height)
    figure.suptitle(title)
    parts = figure.subfigures(len(rows), 1, height_ratios=[d + 0.2 for d in depths], squeeze=False)
    for part, depth, (heading, block) in zip(parts.ravel(), depths, rows.items(), strict=True):
        part.suptitle(heading, fontsize=10, x=0.01, ha="left", weight="bold")
        _draw(part, depth, widest, block, fontsize=6)
    return figure


def augmented_grid_figure(
    original: NDArray[np.uint8], augmented: NDArray[np.uint8], title: str
) -> Figure:
    """One row per patch: the original, (r, H, W, 3), then augmentations, uint8 (r, c, H, W, 3)."""
    rows, columns = augmented.shape[:2]
    figure = new_figure(CELL * (columns + 1), (CELL + LINE) * rows + 0.6)
    figure.suptitle(title)
    names = ["original", *(f"draw {number}" for number in range(1, columns + 1))]
    patches = np.concatenate([original[:, None], augmented], axis=1)
    block = patches.reshape(-1, *original.shape[1:]), names * rows
    _draw(figure, rows, columns + 1, block, fontsize=7)
    return figure


def patch_grid_figure(patches: NDArray[np.uint8], captions: Sequence[str], title: str) -> Figure:
    """Large patches, uint8 (n, P, P, 3), n > 0, in rows of five, each with a caption."""
    rows, _ = wrap_grid(len(patches), LARGE_PER_ROW)
    height = rows * (LARGE_CELL + LINE * _lines(captions)) + 0.4
    figure = new_figure(LARGE_CELL * LARGE_PER_ROW, height)
    figure.suptitle(title)
    _draw(figure, rows, LARGE_PER_ROW, (patches, captions), fontsize=8)
    return figure


def _lines(captions: Sequence[str]) -> int:
    return max((caption.count("\n") + 1 for caption in captions), default=1)


def _draw(
    figure: Figure | SubFigure, rows: int, columns: int, block: Block, fontsize: float
) -> None:
    """Draw patches in a grid, with their captions below them."""
    patches, captions = block
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, patch, caption in zip(grid, patches, captions, strict=False):
        axes.imshow(patch)
        below: Look = {"transform": axes.transAxes, "ha": "center", "va": "top", "linespacing": 1.1}
        axes.text(0.5, -0.03, caption, fontsize=fontsize, **below)
    if not len(patches):
        note_empty(grid[0], "none")
