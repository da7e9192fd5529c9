"""Mean colours of the patients, which differ by staining and scanning."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from idc.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    class_colours,
    literal,
    new_figure,
    note_empty,
    tidy,
)
from idc.text import count

WIDTH = 10.0  # inches
MAX_NAMED = 40  # patients that are labelled with their names
CHANNELS = {"r": ("red", ORANGE, "^"), "g": ("green", GREEN, "s"), "b": ("blue", BLUE, "o")}
MARKERS = ("o", "^", "s", "D", "v", "P", "X")


def colour_by_patient_figure(
    stats: pd.DataFrame, patients: Sequence[str], class_names: Sequence[str]
) -> Figure:
    """Mean red, green and blue of each patient by class, above swatches of the mean colour.

    Up to 40 patients have the same order in every class, and their names. More are sorted within
    each class by mean green, without names.

    Args:
        stats: One row per patient and class: ``patient``, ``label``, ``mean_r``, ``mean_g``,
            ``mean_b`` (0..255) and ``spread_r``, ``spread_g``, ``spread_b`` (standard deviation
            between the patient's patches, 0..255).
        patients: Patients in drawing order, from dark to light.
        class_names: Name of each class.
    """
    classes, named = len(class_names), len(patients) <= MAX_NAMED
    figure = new_figure(WIDTH, (2.9 if named else 3.3) * classes + 0.9)
    heights = [5.5, 1] * classes
    grid = figure.subplots(2 * classes, 1, squeeze=False, height_ratios=heights).ravel()
    bottom, top = _limits(stats)
    for label, name in enumerate(class_names):
        chart, strip = grid[2 * label], grid[2 * label + 1]
        part = stats[stats["label"] == label].set_index("patient")
        words = f"{literal(name)}: {count(len(part), 'patient')}"
        chart.set_title(words, fontsize=10, loc="left", weight="bold")
        part = part.reindex(list(patients)) if named else part.sort_values("mean_g", kind="stable")
        _draw_channels(chart, part, named)
        chart.set_ylim(bottom, top)
        _draw_swatches(strip, part)
        for axes in (chart, strip):
            axes.set_xlim(-0.6, max(len(part), 1) - 0.4)
            axes.tick_params(labelbottom=False, bottom=False)
        if not named:
            strip.set_xlabel("patients, from dark to light")
    if named:
        names = [literal(p, 16) for p in patients]
        last = grid[-1]
        last.tick_params(labelbottom=True)
        last.set_xticks(range(len(patients)), names, rotation=60, ha="right", fontsize=8)
        last.set_xlabel("patient, from dark to light")
    keys = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=f"mean {word}")
        for word, colour, marker in CHANNELS.values()
    ]
    spread = "± 1 standard deviation over the patient's patches"
    keys.append(Line2D([], [], color=GREY, label=spread))
    figure.legend(handles=keys, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return figure


def _limits(stats: pd.DataFrame) -> tuple[float, float]:
    """Common limits of all classes, in steps of 32, that contain all means and deviations."""
    means, spreads = (stats[[f"{kind}_{c}" for c in CHANNELS]] for kind in ("mean", "spread"))
    low = float((means.to_numpy() - spreads.to_numpy()).min(initial=255))
    return max(0.0, 32 * (low // 32)), 255.0


def _draw_channels(axes: Axes, part: pd.DataFrame, named: bool) -> None:
    places = np.arange(len(part))
    axes.set_ylabel("mean of a channel\n(0 to 255)")
    axes.tick_params(bottom=False)
    tidy(axes)
    if named:
        axes.set_xticks(places)  # one grid line per patient
    if part["mean_r"].isna().all():
        note_empty(axes, "no patch of this class")
    for shift, (key, (_, colour, marker)) in zip((-0.2, 0, 0.2), CHANNELS.items(), strict=True):
        mean, spread = part[f"mean_{key}"].to_numpy(), part[f"spread_{key}"].to_numpy()
        axes.errorbar(
            places + (shift if named else 0),
            mean,
            spread,
            fmt=marker,
            color=colour,
            markersize=5 if named else 2.5,
            elinewidth=1.2 if named else 0.5,
            ecolor=(colour, 0.6 if named else 0.35),
        )


def _draw_swatches(axes: Axes, part: pd.DataFrame) -> None:
    """Draw the mean colours as swatches."""
    colours = part[["mean_r", "mean_g", "mean_b"]].to_numpy(float)
    strip = np.where(np.isnan(colours), 255, colours).astype(np.uint8)
    ends = (-0.5, len(part) - 0.5, 0.0, 1.0)
    if len(part):
        axes.imshow(strip[None], aspect="auto", extent=ends, interpolation="nearest")
    axes.set_yticks([0.5], ["mean\ncolour"], fontsize=8)
    axes.tick_params(left=False)
    axes.spines[:].set_visible(False)


def colour_space_figure(stats: pd.DataFrame, class_names: Sequence[str]) -> Figure:
    """Patients in CIELAB: one panel per class, one mark per patient in its mean colour.

    All panels share their axes, so that distances between patients can be compared with distances
    between classes; the other classes are drawn in grey.

    Args:
        stats: One row per patient and class: ``patient``, ``label``, ``mean_r``, ``mean_g``,
            ``mean_b`` (0..255), ``lab_a``, ``lab_b`` (mean CIELAB a* and b*) and ``spread_lab_a``,
            ``spread_lab_b`` (standard deviation between the patient's patches).
        class_names: Name of each class.
    """
    columns = min(3, len(class_names))
    rows = -(-len(class_names) // columns)
    figure = new_figure(WIDTH, 4.9 * rows if columns < 3 else 3.9 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    few = stats["patient"].nunique() <= MAX_NAMED
    for label, name in enumerate(class_names):
        axes = grid[label]
        of_class = stats["label"] == label
        behind, part = stats[~of_class], stats[of_class]
        axes.plot(behind["lab_a"], behind["lab_b"], "o", color="#d4d4d4", markersize=4, zorder=1)
        _draw_patients(axes, part, MARKERS[label % len(MARKERS)], few)
        axes.set_title(literal(name), fontsize=10, weight="bold")
        tidy(axes)
        if part.empty:
            note_empty(axes, "no patch of this class")
        centre = part[["lab_a", "lab_b"]].mean()
        colour = class_colours(len(class_names))[label]
        axes.plot(*centre, "+", color=colour, markersize=18, markeredgewidth=2.5, zorder=4)
    for axes in grid[len(class_names) :]:
        axes.set_visible(False)
    figure.supxlabel("a*  (green  ←→  magenta)", fontsize=10)
    figure.supylabel("b*  (blue  ←→  yellow)", fontsize=10)
    return figure


def _draw_patients(axes: Axes, part: pd.DataFrame, marker: str, few: bool) -> None:
    fill: NDArray[np.float64] = part[["mean_r", "mean_g", "mean_b"]].to_numpy(float) / 255
    if few:
        axes.errorbar(
            part["lab_a"],
            part["lab_b"],
            part["spread_lab_b"],
            part["spread_lab_a"],
            fmt="none",
            ecolor=(GREY, 0.45),
            elinewidth=0.8,
            zorder=2,
        )
    axes.scatter(
        part["lab_a"],
        part["lab_b"],
        s=95 if few else 34,
        c=fill,
        marker=marker,
        edgecolors="#222222",
        linewidths=0.7,
        zorder=3,
    )
    if few:
        for row in part.itertuples():
            axes.annotate(
                literal(str(row.patient), 12),
                (float(str(row.lab_a)), float(str(row.lab_b))),
                (6, 4),
                textcoords="offset points",
                fontsize=7.5,
                zorder=5,
                path_effects=[withStroke(linewidth=2, foreground="white")],
            )
