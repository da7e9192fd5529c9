"""Two-dimensional embedding, coloured by label, by patient and by score."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import Normalize, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from numpy.typing import NDArray

from idc.plots.style import CURVES, PLAIN, Look, class_colours, literal, new_figure

MARKERS = "o^sDvP*X<>pd"
MAX_NAMED = 12  # patients with a colour and a mark of their own
FAINT = "#c4c4c4"
PANEL = 4.4  # inches
MIN_SIZE, MAX_SIZE = 5.0, 60.0  # of a point, in square points


class LegendEntry(NamedTuple):
    """A line of a legend: label, and colour and mark of the points."""

    name: str
    colour: str
    mark: str


def embedding_figure(
    points: NDArray[np.floating],
    labels: NDArray[np.integer],
    patients: NDArray[Any],
    scores: NDArray[np.floating] | None,
    class_names: Sequence[str],
    threshold: float | None = None,
    axis_names: tuple[str, str] = ("", ""),
    title: str = "",
    note: str = "",
) -> Figure:
    """Scatter plots of the same points, by label, by patient and by score.

    Points are drawn in random order, so that no class hides another, and smaller the more there
    are. The 12 patients with the most points have a colour and a mark of their own, drawn over the
    others in grey. The `threshold` is marked on the colour bar, the `note` is below.

    `points` are float (n, 2), n > 0, `labels` int (n,), `scores` float (n,) in [0, 1]; None omits
    their panel.
    """
    order = np.random.default_rng(0).permutation(len(points))
    place, label = np.asarray(points, np.float64)[order], np.asarray(labels)[order]
    panels = 2 if scores is None else 3
    text = wrap(literal(note, 300), int(14 * PANEL * panels)) if note else []
    figure = new_figure(PANEL * panels, PANEL + 0.6)
    figure.suptitle(literal(title, 100))
    grid = figure.subplots(1, panels)
    for axes in grid:
        axes.set(xlabel=axis_names[0], ylabel=axis_names[1], xticks=[], yticks=[])
        axes.set_box_aspect(1)
        axes.spines[:].set_visible(True)
    counts = np.bincount(label, minlength=len(class_names))
    by_label = [
        LegendEntry(f"{literal(name, 30)} ({n:,})", colour, MARKERS[i % len(MARKERS)])
        for i, (name, n, colour) in enumerate(
            zip(class_names, counts, class_colours(len(class_names)), strict=True)
        )
    ]
    size = float(np.clip(30_000 / len(points), MIN_SIZE, MAX_SIZE))
    _scatter(grid[0], place, [by_label[i] for i in label], size)
    grid[0].set_title("by label")
    lines = [_legend(grid[0], by_label)]
    lines.append(_draw_patients(grid[1], place, np.asarray(patients, str)[order], size))
    if scores is not None:
        colours = matplotlib.colormaps[PLAIN](np.asarray(scores, np.float64)[order])
        drawn = _scatter(grid[2], place, [by_label[i] for i in label], size)
        drawn.set(facecolor=colours, edgecolor="#444444")
        grid[2].set_title("by score")
        _draw_bar(figure, grid[2], threshold)
    # Legends have room of their own, so that they do not shrink the panels.
    below = 0.1 + 0.19 * max(*lines, 3) + 0.16 * len(text)
    height = PANEL + 0.6 + below
    figure.set_figheight(height)
    figure.set_layout_engine("constrained", rect=(0, below / height, 1, 1 - below / height))
    figure.text(0.5, 0.01, "\n".join(text), ha="center", va="bottom", fontsize=9)
    return figure


def _draw_patients(
    axes: Axes, place: NDArray[np.float64], patient: NDArray[np.str_], size: float
) -> int:
    """Draw the patients with the most points in their own colours, over the others in grey."""
    names, codes, counts = np.unique(patient, return_inverse=True, return_counts=True)
    named = np.sort(np.argsort(-counts, kind="stable")[:MAX_NAMED])
    entries = {
        int(code): LegendEntry(literal(str(names[code]), 24), CURVES[i % len(CURVES)], MARKERS[i])
        for i, code in enumerate(named)
    }
    legend, own = list(entries.values()), np.isin(codes, named)
    if not own.all():
        others = LegendEntry(f"{len(names) - len(named):,} others", FAINT, "o")
        legend.append(others)
        _scatter(axes, place[~own], [others] * int((~own).sum()), size)
        size = max(2 * size, 16.0)
    _scatter(axes, place[own], [entries[int(code)] for code in codes[own]], size)
    axes.set_title(f"by patient ({len(names):,})")
    return _legend(axes, legend)


def _scatter(
    axes: Axes, place: NDArray[np.float64], looks: Sequence[LegendEntry], size: float
) -> PathCollection:
    """Draw points with individual markers in one collection, which keeps their order."""
    colours = to_rgba_array([look.colour for look in looks])
    drawn = axes.scatter(
        place[:, 0], place[:, 1], s=size, c=colours, linewidths=0.15, edgecolors="white"
    )
    styles = {look.mark: MarkerStyle(look.mark) for look in looks}
    paths = {mark: x.get_path().transformed(x.get_transform()) for mark, x in styles.items()}
    drawn.set_paths([paths[look.mark] for look in looks])
    return drawn


def _legend(axes: Axes, entries: Sequence[LegendEntry]) -> int:
    """Draw a legend below a panel; return its number of lines."""
    handles = [
        Line2D([], [], linestyle="", marker=e.mark, color=e.colour, markersize=6, label=e.name)
        for e in entries
    ]
    columns = int(np.clip(55 // (max(len(entry.name) for entry in entries) + 5), 1, 4))
    place: Look = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.06), "ncols": columns}
    legend = axes.legend(handles=handles, fontsize=8, handletextpad=0.2, columnspacing=1, **place)
    legend.set_in_layout(False)
    return -(-len(entries) // columns)


def _draw_bar(figure: Figure, axes: Axes, threshold: float | None) -> None:
    """Draw the colour bar of the scores below a panel, with the threshold."""
    within = axes.inset_axes((0.05, -0.14, 0.9, 0.04))
    within.set_in_layout(False)
    label = "score (marks: label)"
    if threshold is not None:
        label = f"score (marks: label; line: threshold {threshold:.3g})"
    scale = ScalarMappable(Normalize(0, 1), PLAIN)
    bar = figure.colorbar(scale, cax=within, orientation="horizontal", label=label)
    if threshold is not None:
        for width, colour in ((3.4, "white"), (1.6, "black")):
            bar.ax.axvline(threshold, color=colour, linewidth=width)
