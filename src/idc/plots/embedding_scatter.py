"""Two-dimensional embedding, coloured by label, by patient and by score."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from numpy.typing import NDArray

from idc.plots.embedding_legend import (
    FAINT,
    LETTERS,
    MARKERS,
    LegendEntry,
    draw_legend,
    label_legend,
    legend_rows,
    patient_legend,
)
from idc.plots.embedding_legend import WIDTH as PANEL
from idc.plots.style import literal, new_figure

SEQUENTIAL = "cividis"
MIN_SIZE, SEEN_SIZE, MAX_SIZE = 5.0, 16.0, 60.0  # of a point, in square points


def embedding_figure(
    points: NDArray[np.floating],
    labels: NDArray[np.integer],
    patients: NDArray[Any],
    scores: NDArray[np.floating] | None,
    class_names: Sequence[str],
    threshold: float | None = None,
    axis_names: tuple[str, str] = ("", ""),
    title: str = "Embedding of the test patches",
    note: str = "",
    seed: int = 0,
) -> Figure:
    """Scatter plots of the same points, by label, by patient and by score.

    Points are drawn in random order, so that no class hides another, and smaller the more there
    are. The 12 patients with the most points have a colour and a mark of their own, drawn over the
    others in grey.

    Args:
        points: float (n, 2), n > 0.
        labels: int (n,).
        patients: Patient of each point, (n,).
        scores: float (n,) in [0, 1]; None omits the panel.
        class_names: Name of each class.
        threshold: Marked on the colour bar of the scores, or None.
        axis_names: Labels of the axes.
        title: Title of the figure.
        note: Method, written below.
        seed: Seed of the order of drawing.
    """
    order = np.random.default_rng(seed).permutation(len(points))
    place, label = np.asarray(points, np.float64)[order], np.asarray(labels)[order]
    patient = np.asarray(patients, str)[order]
    by_label, by_patient = label_legend(label, class_names), patient_legend(patient)
    panels = 2 if scores is None else 3
    below = 0.3 + 0.17 * max(4, *(legend_rows(legend) for legend in (by_label, by_patient)))
    text = "\n".join(wrap(literal(note, 300), int(LETTERS * PANEL * panels))) if note else ""
    figure = new_figure(PANEL * panels, PANEL + below + 0.7 + 0.14 * text.count("\n"))
    figure.suptitle(literal(title, 100), fontsize=12)
    grid = figure.subplots(2, panels, squeeze=False, height_ratios=[PANEL, below])
    for axes in grid[0]:
        _frame(axes, place, axis_names)
    for axes in grid[1]:
        axes.set_axis_off()
    _draw_labels(grid[:, 0], place, label, by_label)
    _draw_patients(grid[:, 1], place, patient, by_patient)
    if scores is not None:
        score = np.asarray(scores, np.float64)[order]
        _draw_scores(grid[:, 2], place, score, label, threshold)
    if text:
        figure.supxlabel(text, fontsize=8.5)
    return figure


def _frame(axes: Axes, place: NDArray[np.float64], axis_names: tuple[str, str]) -> None:
    axes.set(xlabel=axis_names[0], ylabel=axis_names[1], xticks=[], yticks=[])
    axes.set_box_aspect(1)
    low, high = place.min(0), place.max(0)
    margin = np.where(high > low, 0.04 * (high - low), 1.0)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])


def _draw_labels(
    column: NDArray[np.object_],
    place: NDArray[np.float64],
    label: NDArray[np.integer],
    entries: list[LegendEntry],
) -> None:
    _scatter(
        column[0],
        place,
        np.array([to_rgba(entries[i].colour) for i in label]),
        [entries[i].mark for i in label],
        _size(len(place)),
    )
    column[0].set_title("by label", fontsize=10)
    draw_legend(column[1], entries)


def _draw_patients(
    column: NDArray[np.object_],
    place: NDArray[np.float64],
    patient: NDArray[np.str_],
    entries: list[LegendEntry],
) -> None:
    names, codes = np.unique(patient, return_inverse=True)
    entry_of = {entry.code: entry for entry in entries}
    own = np.isin(codes, list(entry_of))
    size = _size(len(place))
    if not own.all():
        # Other patients below and smaller, so that they do not hide the named ones.
        _scatter(column[0], place[~own], np.array([to_rgba(FAINT)]), ["o"], size)
        size = max(2 * size, SEEN_SIZE)
    _scatter(
        column[0],
        place[own],
        np.array([to_rgba(entry_of[int(c)].colour) for c in codes[own]]),
        [entry_of[int(c)].mark for c in codes[own]],
        size,
    )
    column[0].set_title(f"by patient ({len(names):,})", fontsize=10)
    draw_legend(column[1], entries)


def _draw_scores(
    column: NDArray[np.object_],
    place: NDArray[np.float64],
    score: NDArray[np.float64],
    label: NDArray[np.integer],
    threshold: float | None,
) -> None:
    scale = Normalize(0, 1)
    marks = [MARKERS[int(i) % len(MARKERS)] for i in label]
    colours = matplotlib.colormaps[SEQUENTIAL](scale(score))
    drawn = _scatter(column[0], place, colours, marks, _size(len(place)))
    drawn.set_edgecolor("#444444")
    column[0].set_title("by score", fontsize=10)
    within = column[1].inset_axes((0.08, 0.62, 0.84, 0.14))
    bar = column[1].figure.colorbar(
        ScalarMappable(scale, SEQUENTIAL), cax=within, orientation="horizontal"
    )
    bar.set_label("score (marks: label)", fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    if threshold is not None:
        within.axvline(threshold, color="white", linewidth=3.4)
        within.axvline(threshold, color="black", linewidth=1.6)
        within.annotate(
            f"threshold {threshold:.3g}",
            (threshold, 1.0),
            (0, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="left" if threshold < 0.15 else "right" if threshold > 0.85 else "center",
            fontsize=8,
        )


def _scatter(
    axes: Axes,
    place: NDArray[np.float64],
    colours: NDArray[np.float64],
    marks: Sequence[str],
    size: float,
) -> PathCollection:
    """Draw points with individual markers in one collection, which keeps their order."""
    drawn = axes.scatter(place[:, 0], place[:, 1], s=size, c=colours, linewidths=0.15)
    drawn.set_edgecolor("white")
    drawn.set_paths([_path(mark) for mark in marks])
    return drawn


def _size(count: int) -> float:
    return float(np.clip(30_000 / max(count, 1), MIN_SIZE, MAX_SIZE))


def _path(mark: str) -> Path:
    style = MarkerStyle(mark)
    return style.get_path().transformed(style.get_transform())
