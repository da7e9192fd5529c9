"""Agreement of readers: kappa of each pair, and each reader's verdicts against label or model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from idc.plots.style import GREY, hide_rest, literal, new_figure, note_empty, wrap_grid

PER_ROW = 4
CELL = 0.85  # inches
NAME = 20  # characters
# Brown over white to blue-green: distinguishable with any colour vision.
COLOURS = "BrBG"
DARK = 0.68  # share above which text is white
UNSURE = "unsure"


@dataclass(frozen=True)
class ReaderPanel:
    """Verdicts of a reader against the label or the model.

    Attributes:
        reader: Name of the reader.
        counts: int (k, k + 1): rows are the label or the model's decision, columns the reader's
            verdict; the last column is "unsure".
    """

    reader: str
    counts: NDArray[np.integer]


def agreement_figure(
    names: Sequence[str],
    kappas: NDArray[np.floating],
    cases: NDArray[np.floating],
    panels: Sequence[ReaderPanel],
    class_names: Sequence[str],
    against: str = "label",
) -> Figure:
    """Cohen's kappa of each pair with its number of cases, above one table per reader.

    Args:
        names: Readers, then label or model if compared.
        kappas: float (n, n), symmetric, in [-1, 1]; NaN if undefined.
        cases: Number of cases of each pair, (n, n); NaN or 0 for none.
        panels: The readers' verdicts.
        class_names: Name of each class.
        against: What the rows of the panels are: label or model.
    """
    rows, columns = wrap_grid(len(panels), PER_ROW)
    classes = len(class_names)
    panel_width, panel_height = 1.3 + 0.75 * (classes + 1), 1.25 + 0.6 * classes
    top = CELL * max(len(names) - 1, 1) * 0.8 + 1.7
    width = max(CELL * len(names) + 3.2, columns * panel_width, 5.5)
    bottom = rows * panel_height + 0.3 if panels else 0.0
    figure = new_figure(width, top + bottom)
    if not panels:
        _draw_matrix(figure, names, np.asarray(kappas, float), np.asarray(cases, float))
        return figure
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[top, bottom]).ravel()
    _draw_matrix(upper, names, np.asarray(kappas, float), np.asarray(cases, float))
    grid = lower.subplots(rows, columns, squeeze=False).ravel().tolist()
    titles = short_names([panel.reader for panel in panels])
    for place, (axes, panel) in enumerate(zip(grid, panels, strict=False)):
        first = place % columns == 0
        _draw_panel(axes, panel, titles[place], class_names, against, first)
    hide_rest(grid, len(panels))
    title = f"Verdicts of each reader, in per cent of each {against}"
    lower.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure


def _draw_matrix(
    figure: Figure | SubFigure,
    names: Sequence[str],
    kappas: NDArray[np.float64],
    cases: NDArray[np.float64],
) -> None:
    axes = figure.subplots()
    count = len(names)
    axes.set_title("Cohen's kappa of each pair (n: cases with two definite verdicts)", fontsize=10)
    if count < 2:
        axes.set_axis_off()
        note_empty(axes, "nothing to compare with")
        return
    # Rows from the second name, columns up to the last but one: each pair occurs once.
    lower = np.tri(count - 1, dtype=bool)
    shown = np.where(lower, kappas[1:, :-1], np.nan)
    image = axes.imshow(shown, cmap=COLOURS, vmin=-1, vmax=1, aspect="auto")
    for i, j in zip(*np.nonzero(lower), strict=True):
        _draw_cell(axes, int(i), int(j), shown[i, j], np.nan_to_num(cases[i + 1, j]))
    words = short_names(names)
    axes.set_yticks(range(count - 1), words[1:])
    axes.set_xticks(range(count - 1), words[:-1], rotation=35, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, ticks=[-1, -0.5, 0, 0.5, 1], shrink=0.9)
    bar.ax.set_yticklabels(["-1", "-0.5", "0 (chance)", "0.5", "1 (perfect)"], fontsize=8)


def _draw_cell(axes: Axes, row: int, column: int, value: float, number: float) -> None:
    undefined = bool(np.isnan(value))
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": "#c4c4c4"}
    if undefined:
        look |= {"facecolor": "#eeeeee", "hatch": "///"}
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **look))
    colour = "white" if abs(value) > DARK else "black"
    box = {"facecolor": "#eeeeee", "edgecolor": "none", "pad": 1.0} if undefined else None
    words, size = ("undefined", 8.5) if undefined else (f"{value:.2f}", 11.0)
    middle: dict[str, Any] = {"ha": "center", "va": "center", "color": colour, "bbox": box}
    axes.text(column, row - 0.13, words, fontsize=size, **middle)
    axes.text(column, row + 0.25, f"n = {number:,.0f}", fontsize=7.5, **middle)


def short_names(names: Sequence[str]) -> list[str]:
    """Shorten names to fit, numbered if they would become equal."""
    words = [literal(name, NAME) for name in names]
    if len(set(words)) == len(words):
        return words
    return [f"{i}. {literal(name, NAME - 4)}" for i, name in enumerate(names, 1)]


def _draw_panel(
    axes: Axes,
    panel: ReaderPanel,
    title: str,
    class_names: Sequence[str],
    against: str,
    first: bool,
) -> None:
    counts = np.asarray(panel.counts)
    totals = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(totals, 1)
    axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (i, j), number in np.ndenumerate(counts):
        text = f"{number:,}\n{share[i, j]:.0%}" if totals[i, 0] else f"{number:,}"
        colour = "white" if share[i, j] > DARK else "black"
        axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=9)
    axes.axvline(len(class_names) - 0.5, color=GREY, linewidth=1.2)
    words = [literal(name, 12) for name in class_names]
    axes.set_xticks(range(len(words) + 1), [*words, UNSURE], fontsize=8)
    axes.set_yticks(range(len(words)), words if first else [""] * len(words), fontsize=8)
    if first:
        axes.set_ylabel(against, fontsize=9)
    axes.set_xlabel("verdict", fontsize=9)
    axes.set_title(title, fontsize=10)
    axes.tick_params(length=0)
