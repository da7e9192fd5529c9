"""Confusion matrices, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from idc.plots.style import hide_rest, literal, new_figure, shorten, wrap_grid

PER_ROW = 3
DARK = 0.6  # share above which text is white


def confusion_figure(
    matrices: Mapping[str, NDArray[np.integer]], class_names: Sequence[str]
) -> Figure:
    """Counts and row percentages of one or more confusion matrices.

    They are int (k, k), rows true, columns predicted, by title, such as a threshold or a run.
    """
    rows, columns = wrap_grid(len(matrices), PER_ROW)
    side = 2.5 + 0.5 * len(class_names)
    figure = new_figure(side * columns + 1.0, (side + 0.1) * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, (title, matrix) in zip(grid, matrices.items(), strict=False):
        image = draw_counts(axes, matrix, class_names, class_names)
        axes.set(xlabel="predicted", ylabel="true", title=shorten(title, 44))
        axes.tick_params(axis="y", rotation=90)
    hide_rest(grid, len(matrices))
    figure.colorbar(image, ax=grid, label="% of the true class", shrink=0.8)
    return figure


def draw_counts(
    axes: Axes,
    counts: NDArray[np.integer],
    row_names: Sequence[str],
    column_names: Sequence[str],
    empty: str = "\n(no patch)",
) -> AxesImage:
    """Draw counts, int (r, c), with row percentages; `empty` follows the count in an empty row."""
    totals = counts.sum(1, keepdims=True)
    share = counts / np.maximum(totals, 1)
    image = axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (i, j), number in np.ndenumerate(counts):
        text = f"{number:,}\n{share[i, j]:.1%}" if totals[i, 0] else f"{number:,}{empty}"
        colour = "white" if share[i, j] > DARK else "black"
        axes.text(j, i, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(column_names)), [literal(name, 16) for name in column_names])
    axes.set_yticks(range(len(row_names)), [literal(name, 16) for name in row_names], va="center")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    return image
