"""Agreement of readers: kappa of each pair, and each reader's verdicts against label or model."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from idc.plots.confusion import draw_counts
from idc.plots.style import GREY, distinct, hide_rest, new_figure, note_empty, wrap_grid

PER_ROW = 4
CELL = 0.85  # inches
NAME = 20  # characters
# Brown over white to blue-green: distinguishable with any colour vision.
COLOURS = "BrBG"
DARK = 0.68  # size of a kappa above which text is white
UNSURE = "unsure"


def agreement_figure(
    names: Sequence[str],
    kappas: NDArray[np.floating],
    cases: NDArray[np.floating],
    panels: Mapping[str, NDArray[np.integer]],
    class_names: Sequence[str],
) -> Figure:
    """Cohen's kappa of each pair with its number of cases, above one table per reader.

    `names` are readers, then label and model if compared; `kappas` and `cases` (n, n), NaN if
    undefined; `panels`, by reader, int (k, k + 1): rows labels, columns verdicts, the last unsure.
    """
    rows, columns = wrap_grid(len(panels), PER_ROW)
    top = CELL * max(len(names) - 1, 1) * 0.8 + 1.7
    bottom = rows * (1.25 + 0.6 * len(class_names)) + 0.3
    width = max(CELL * len(names) + 3.2, columns * (2.05 + 0.75 * len(class_names)), 5.5)
    figure = new_figure(width, top + (bottom if panels else 0))
    if not panels:
        _draw_matrix(figure, names, kappas, cases)
        return figure
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[top, bottom]).ravel()
    _draw_matrix(upper, names, kappas, cases)
    grid = lower.subplots(rows, columns, squeeze=False, sharey=True).ravel().tolist()
    titles = distinct(list(panels), NAME)
    for axes, counts, title in zip(grid, panels.values(), titles, strict=False):
        verdicts = [*class_names, UNSURE]
        draw_counts(axes, np.asarray(counts), class_names, verdicts, empty="")
        axes.axvline(len(class_names) - 0.5, color=GREY, linewidth=1.2)
        axes.set(xlabel="verdict", title=title)
    for axes in grid[::columns]:
        axes.set_ylabel("label")
    hide_rest(grid, len(panels))
    lower.suptitle("Verdicts of each reader, in per cent of each label", x=0.01, ha="left")
    return figure


def _draw_matrix(
    figure: Figure | SubFigure,
    names: Sequence[str],
    kappas: NDArray[np.floating],
    cases: NDArray[np.floating],
) -> None:
    axes = figure.subplots()
    axes.set_title("Cohen's kappa of each pair (n: cases with two definite verdicts)")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    count = len(names)
    if count < 2:
        axes.set_axis_off()
        note_empty(axes, "nothing to compare with")
        return
    # Rows from the second name, columns up to the last but one: each pair occurs once.
    lower = np.tri(count - 1, dtype=bool)
    shown = np.where(lower, kappas[1:, :-1], np.nan)
    image = axes.imshow(shown, cmap=COLOURS, vmin=-1, vmax=1, aspect="auto")
    for i, j in zip(*np.nonzero(lower), strict=True):
        value = shown[i, j]
        words = "undefined" if np.isnan(value) else f"{value:.2f}"
        text = f"{words}\nn = {np.nan_to_num(cases[i + 1, j]):,.0f}"
        colour = "white" if abs(value) > DARK else "black"
        axes.text(j, i, text, ha="center", va="center", color=colour)
    short = distinct(names, NAME)
    axes.set_yticks(range(count - 1), short[1:])
    axes.set_xticks(range(count - 1), short[:-1], rotation=35, ha="right", rotation_mode="anchor")
    bar = figure.colorbar(image, ax=axes, ticks=[-1, -0.5, 0, 0.5, 1], shrink=0.9)
    bar.ax.set_yticklabels(["-1", "-0.5", "0 (chance)", "0.5", "1 (perfect)"])
