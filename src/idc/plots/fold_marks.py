"""The marks that figures of folds are made of, and what they mean."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from idc.plots.style import BLACK, BLUE, GREY, ORANGE, STAGES, literal

HALF = 0.5  # share of the folds that a median needs
DOTS, POOLED = -0.14, 0.27  # where they stand beside a metric's tick
MOST_SIDE_BY_SIDE = 24
NAMED = 16  # characters of a fold's name


def draw_courses(axes: Axes, tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw a thin curve a fold of validation, its median, and the median of training.

    Args:
        axes: Where to draw.
        tables: ``train`` and ``val`` to values, a row an epoch (index, from 1), a column a fold.
    """
    val, train = tables.get("val"), tables.get("train")
    if val is not None:
        marker = "." if len(val) < 3 else ""
        for fold in val.columns:
            course = val[fold].dropna()
            axes.plot(
                course.index,
                course,
                color=STAGES["val"],
                linewidth=0.8,
                alpha=0.55,
                marker=marker,
            )
        _draw_median(axes, val, STAGES["val"], "-", "o")
    if train is not None:
        _draw_median(axes, train, STAGES["train"], "--", "s")


def mark_best(axes: Axes, table: pd.DataFrame, mode: str) -> None:
    """Mark each fold's best epoch.

    Args:
        axes: Where to draw.
        table: See `draw_courses`.
        mode: ``max`` or ``min``.
    """
    known = table.dropna(axis=1, how="all")
    best = known.idxmin() if mode == "min" else known.idxmax()
    values = known.min() if mode == "min" else known.max()
    axes.plot(best.to_numpy(), values.to_numpy(), "D", color=ORANGE, markersize=5, zorder=4)


def course_keys(marked: str) -> list[Line2D]:
    """What the marks of `draw_courses` mean, and of `mark_best` if a metric is marked."""
    val, train = STAGES["val"], STAGES["train"]
    keys = [
        Line2D([], [], color=val, linewidth=0.8, alpha=0.55, label="validation, a fold"),
        Line2D(
            [], [], color=val, linewidth=2.4, label="validation, median while half of them train"
        ),
        Line2D(
            [], [], color=train, linewidth=2.4, linestyle="--", label="training, the same median"
        ),
    ]
    if marked:
        best = Line2D([], [], color=ORANGE, marker="D", linestyle="", markersize=5)
        best.set_label("a fold's best epoch")
        keys.append(best)
    return keys


def draw_folds(axes: Axes, place: int, table: pd.DataFrame) -> None:
    """Draw a dot a fold, their mean with the sample deviation, and the name of the lowest.

    Args:
        axes: Where to draw.
        place: The metric's place.
        table: ``fold``, ``value``; NaN is left out.
    """
    known = table[np.isfinite(table["value"].to_numpy(np.float64))].sort_values("value")
    if known.empty:
        axes.text(place, 0.5, "unknown", rotation=90, ha="center", va="center", color=GREY)
        return
    values = known["value"].to_numpy(np.float64)
    middle = place + DOTS
    axes.plot(middle + _aside(values), values, "o", color=BLUE, markersize=4, alpha=0.7)
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    mean = values.mean()
    axes.errorbar(place + 0.1, mean, deviation, color=BLACK, marker="_", markersize=13, capsize=3)
    if len(values) > 1:
        name = literal(str(known["fold"].iloc[0]), NAMED)
        axes.annotate(
            name,
            (middle, values[0]),
            (0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=7,
        )


def draw_pooled(axes: Axes, place: int, table: pd.DataFrame) -> None:
    """Draw the pooled value with its interval.

    Args:
        axes: Where to draw.
        place: The metric's place.
        table: ``value``, ``low``, ``high``: one row, or none.
    """
    for row in table.to_dict("records"):
        where = place + POOLED
        axes.plot([where] * 2, [row["low"], row["high"]], color=ORANGE, linewidth=2)
        axes.plot(where, row["value"], "D", color=ORANGE, markersize=6)
        axes.annotate(
            f"{row['value']:.2f}",
            (where, row["value"]),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )


def fold_keys(pooled: bool, noun: str) -> list[Line2D]:
    """What the marks of `draw_folds` mean, and of `draw_pooled` if there are any."""
    keys = [
        Line2D([], [], color=BLUE, marker="o", linestyle="", markersize=4, label=f"a {noun}"),
        Line2D(
            [], [], color=BLACK, marker="_", markersize=13, label=f"mean and deviation of {noun}s"
        ),
    ]
    if pooled:
        label = f"all {noun}s pooled, with interval"
        keys.append(Line2D([], [], color=ORANGE, marker="D", markersize=6, label=label))
    return keys


def _draw_median(axes: Axes, table: pd.DataFrame, colour: str, dashes: str, marker: str) -> None:
    """The median over folds, as far as half of them went."""
    enough = table[table.notna().sum(axis=1) >= HALF * table.shape[1]]
    axes.plot(
        enough.index,
        enough.median(axis=1),
        color=colour,
        linestyle=dashes,
        linewidth=2.4,
        marker=marker if len(enough) < 3 else "",
        zorder=3,
    )


def _aside(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steps to the side for rising values, so that close ones do not hide one another."""
    if len(values) > MOST_SIDE_BY_SIDE:  # multiples of the golden ratio spread evenly
        return np.asarray(0.36 * ((np.arange(len(values)) * 0.618034) % 1 - 0.5), np.float64)
    steps, run = np.zeros(len(values)), 0
    for i in range(1, len(values)):
        run = run + 1 if values[i] - values[i - 1] < 0.012 else 0
        steps[i] = 0.055 * ((run + 1) // 2) * (-1) ** run
    return np.clip(steps, -0.22, 0.16)
