"""Confusion matrices, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.style import hide_rest, new_figure, shorten, wrap_grid

PER_ROW = 3


@dataclass(frozen=True)
class ConfusionPanel:
    """A confusion matrix.

    Attributes:
        title: Title, such as a threshold or a run.
        matrix: Counts, int (k, k), rows true, columns predicted.
    """

    title: str
    matrix: NDArray[np.integer]


def confusion_figure(panels: Sequence[ConfusionPanel], class_names: Sequence[str]) -> Figure:
    """Counts and row percentages of one or more confusion matrices.

    Args:
        panels: At least one matrix; all of the same size.
        class_names: Name of each class.
    """
    rows, columns = wrap_grid(len(panels), PER_ROW)
    side = 2.5 + 0.5 * len(class_names)
    figure = new_figure(side * columns + 1.0, (side + 0.1) * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    image = None
    for axes, panel in zip(grid, panels, strict=False):
        totals = panel.matrix.sum(1, keepdims=True)
        share = panel.matrix / np.maximum(totals, 1)
        image = axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100)
        for (i, j), count in np.ndenumerate(panel.matrix):
            text = f"{count:,}\n{share[i, j]:.1%}" if totals[i, 0] else f"{count:,}\n(no patch)"
            colour = "white" if share[i, j] > 0.55 else "black"
            axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=11)
        ticks = range(len(class_names))
        axes.set_xticks(ticks, class_names)
        axes.set_yticks(ticks, class_names, rotation=90, va="center")
        axes.set(xlabel="predicted", ylabel="true")
        axes.set_title(shorten(panel.title, 44), fontsize=10)
        axes.tick_params(length=0)
    hide_rest(grid, len(panels))
    assert image is not None, "a confusion figure needs a matrix"
    figure.colorbar(image, ax=grid, label="% of the true class", shrink=0.8)
    return figure
