"""Mean colours of the patients, which differ by staining and scanning."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from idc.plots.style import (
    BLUE,
    GREEN,
    GREY,
    MARKERS,
    ORANGE,
    Look,
    class_colours,
    hide_rest,
    legend_below,
    literal,
    new_figure,
    note_empty,
    wrap_grid,
)
from idc.text import count

WIDTH = 10.0  # inches
MAX_NAMED = 40  # patients that are labelled with their names
CHANNELS = {"r": ("red", ORANGE, "^"), "g": ("green", GREEN, "s"), "b": ("blue", BLUE, "o")}
MEANS = ["mean_r", "mean_g", "mean_b"]


def colour_by_patient_figure(
    stats: pd.DataFrame, patients: Sequence[str], class_names: Sequence[str]
) -> Figure:
    """Mean red, green and blue of each patient by class, above swatches of the mean colour.

    Up to 40 patients have the same order in every class, and their names. More are sorted within
    each class by mean green, without names. `stats` are from `idc.reports.eda_tables.colour_stats`,
    `patients` in drawing order, from dark to light.
    """
    named = len(patients) <= MAX_NAMED
    figure = new_figure(WIDTH, 3.3 * len(class_names) + 0.9)
    heights = [5.5, 1] * len(class_names)
    grid = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights).ravel()
    for label, name in enumerate(class_names):
        chart, strip = grid[2 * label : 2 * label + 2]
        part = stats[stats["label"] == label].set_index("patient")
        words = f"{literal(name)}: {count(len(part), 'patient')}"
        chart.set_title(words, loc="left", weight="bold")
        part = part.reindex(list(patients)) if named else part.sort_values("mean_g", kind="stable")
        _draw_channels(chart, part, named)
        colours = part[MEANS].to_numpy(float)
        strip_colours = np.where(np.isnan(colours), 255, colours).astype(np.uint8)
        if len(part):
            strip.imshow(strip_colours[None], aspect="auto", extent=(-0.5, len(part) - 0.5, 0, 1))
        strip.set_yticks([0.5], ["mean\ncolour"])
        strip.tick_params(left=False)
        strip.spines[:].set_visible(False)
        for axes in (chart, strip):
            axes.set(xlim=(-0.6, max(len(part), 1) - 0.4), xticks=[])
            axes.grid(visible=False, axis="x")
        strip.set_xlabel("patients, from dark to light")
    spreads = stats[["spread_r", "spread_g", "spread_b"]].to_numpy()
    lowest = float((stats[MEANS].to_numpy() - spreads).min())
    for chart in grid[::2]:
        chart.set_ylim(max(0.0, 32 * (lowest // 32)), 255)
    if named:
        names = [literal(p, 16) for p in patients]
        grid[-1].set_xticks(range(len(patients)), names, rotation=60, ha="right")
    figure.supxlabel("bars: one standard deviation over the patient's patches")
    legend_below(figure, [grid[0]], 3, loc="outside upper center")
    return figure


def _draw_channels(axes: Axes, part: pd.DataFrame, named: bool) -> None:
    axes.set_ylabel("mean of a channel\n(0 to 255)")
    if part["mean_r"].isna().all():
        note_empty(axes, "no patch of this class")
    for shift, (key, (word, colour, marker)) in zip((-0.2, 0, 0.2), CHANNELS.items(), strict=True):
        axes.errorbar(
            np.arange(len(part)) + (shift if named else 0),
            part[f"mean_{key}"],
            part[f"spread_{key}"],
            fmt=marker,
            color=colour,
            markersize=5 if named else 2.5,
            elinewidth=1.2 if named else 0.5,
            ecolor=(colour, 0.6 if named else 0.35),
            capsize=0,
            label=f"mean {word}",
        )


def colour_space_figure(stats: pd.DataFrame, class_names: Sequence[str]) -> Figure:
    """Patients in CIELAB: one panel per class, one mark per patient in its mean colour.

    All panels share their axes, so that distances between patients can be compared with distances
    between classes; the other classes are drawn in grey, and a cross marks the mean of the class.
    `stats` are those of `idc.reports.eda_tables.colour_stats`.
    """
    rows, columns = wrap_grid(len(class_names), 3)
    figure = new_figure(WIDTH, 4.6 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    few = stats["patient"].nunique() <= MAX_NAMED
    colours = class_colours(len(class_names))
    for label, (axes, name) in enumerate(zip(grid, class_names, strict=False)):
        of_class = stats["label"] == label
        behind, part = stats[~of_class], stats[of_class]
        axes.plot(behind["lab_a"], behind["lab_b"], "o", color="#d4d4d4", markersize=4, zorder=1)
        axes.set_title(literal(name), weight="bold")
        if part.empty:
            note_empty(axes, "no patch of this class")
            continue
        _draw_patients(axes, part, MARKERS[label % len(MARKERS)], few)
        centre = part[["lab_a", "lab_b"]].mean()
        axes.plot(*centre, "+", color=colours[label], markersize=18, markeredgewidth=2.5, zorder=4)
    hide_rest(list(grid), len(class_names))
    figure.supxlabel("a*  (green  ←→  magenta)")
    figure.supylabel("b*  (blue  ←→  yellow)")
    return figure


def _draw_patients(axes: Axes, part: pd.DataFrame, marker: str, few: bool) -> None:
    """Draw patients in their mean colours; a few with deviation and name."""
    place = part["lab_a"], part["lab_b"]
    fill = part[MEANS].to_numpy(float) / 255
    look: Look = {"s": 95 if few else 34, "edgecolors": "#222222", "linewidths": 0.7, "zorder": 3}
    axes.scatter(*place, c=fill, marker=marker, **look)
    if not few:
        return
    spread = part["spread_lab_b"], part["spread_lab_a"]
    axes.errorbar(*place, *spread, fmt="none", ecolor=(GREY, 0.45), elinewidth=0.8, capsize=0)
    halo = [withStroke(linewidth=2, foreground="white")]
    for patient, x, y in zip(part["patient"], *place, strict=True):
        axes.annotate(
            literal(str(patient), 12), (x, y), (6, 4), textcoords="offset points", fontsize=7.5,
            zorder=5, path_effects=halo,
        )  # fmt: skip
