"""Marks and legend entries of the cross-validation figures."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from idc.plots.style import BLACK, BLUE, GREY, ORANGE, STAGES, literal

MIN_SHARE = 0.5  # of the folds, for a median
DOTS, POOLED = -0.14, 0.27  # offsets from a metric's tick
MAX_SIDE_BY_SIDE = 24
NAME_LENGTH = 16  # characters of a fold's name


def draw_histories(axes: Axes, tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw the validation curve of each fold, its median, and the training median.

    Args:
        axes: Axes to draw on.
        tables: ``train`` and ``val`` to values, one row per epoch (index, from 1), one column per
            fold.
    """
    val, train = tables.get("val"), tables.get("train")
    if val is not None:
        marker = "." if len(val) < 3 else ""
        for fold in val.columns:
            history = val[fold].dropna()
            axes.plot(
                history.index,
                history,
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
        axes: Axes to draw on.
        table: Values, see `draw_histories`.
        mode: ``max`` or ``min``.
    """
    trained = table.dropna(axis=1, how="all")
    best = trained.idxmin() if mode == "min" else trained.idxmax()
    values = trained.min() if mode == "min" else trained.max()
    axes.plot(best.to_numpy(), values.to_numpy(), "D", color=ORANGE, markersize=5, zorder=4)


def history_keys(marked: str) -> list[Line2D]:
    """Legend entries of `draw_histories`, and of `mark_best` if a metric is marked."""
    val, train = STAGES["val"], STAGES["train"]
    keys = [
        Line2D([], [], color=val, linewidth=0.8, alpha=0.55, label="validation, one fold"),
        Line2D(
            [],
            [],
            color=val,
            linewidth=2.4,
            label="validation, median of at least half of the folds",
        ),
        Line2D(
            [], [], color=train, linewidth=2.4, linestyle="--", label="training, median likewise"
        ),
    ]
    if marked:
        best = Line2D([], [], color=ORANGE, marker="D", linestyle="", markersize=5)
        best.set_label("best epoch of a fold")
        keys.append(best)
    return keys


def draw_folds(axes: Axes, place: int, table: pd.DataFrame) -> None:
    """Draw one dot per fold, mean and sample deviation, and the name of the lowest fold.

    Args:
        axes: Axes to draw on.
        place: x position of the metric.
        table: ``fold``, ``value``; NaN is left out.
    """
    finite = table[np.isfinite(table["value"].to_numpy(np.float64))].sort_values("value")
    if finite.empty:
        axes.text(place, 0.5, "unknown", rotation=90, ha="center", va="center", color=GREY)
        return
    values = finite["value"].to_numpy(np.float64)
    x_dots = place + DOTS
    axes.plot(x_dots + _offsets(values), values, "o", color=BLUE, markersize=4, alpha=0.7)
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    mean = values.mean()
    axes.errorbar(place + 0.1, mean, deviation, color=BLACK, marker="_", markersize=13, capsize=3)
    if len(values) > 1:
        name = literal(str(finite["fold"].iloc[0]), NAME_LENGTH)
        axes.annotate(
            name,
            (x_dots, values[0]),
            (0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=7,
        )


def draw_pooled(axes: Axes, place: int, table: pd.DataFrame) -> None:
    """Draw the pooled value with its interval.

    Args:
        axes: Axes to draw on.
        place: x position of the metric.
        table: ``value``, ``low``, ``high``; one row, or empty.
    """
    for row in table.to_dict("records"):
        x = place + POOLED
        axes.plot([x] * 2, [row["low"], row["high"]], color=ORANGE, linewidth=2)
        axes.plot(x, row["value"], "D", color=ORANGE, markersize=6)
        axes.annotate(
            f"{row['value']:.2f}",
            (x, row["value"]),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )


def fold_keys(pooled: bool, noun: str) -> list[Line2D]:
    """Legend entries of `draw_folds`, and of `draw_pooled` if `pooled`."""
    keys = [
        Line2D([], [], color=BLUE, marker="o", linestyle="", markersize=4, label=noun),
        Line2D(
            [],
            [],
            color=BLACK,
            marker="_",
            markersize=13,
            label=f"mean and deviation of the {noun}s",
        ),
    ]
    if pooled:
        label = f"all {noun}s pooled, with interval"
        keys.append(Line2D([], [], color=ORANGE, marker="D", markersize=6, label=label))
    return keys


def _draw_median(axes: Axes, table: pd.DataFrame, colour: str, dashes: str, marker: str) -> None:
    """Draw the median over folds, while at least half of them remain."""
    enough = table[table.notna().sum(axis=1) >= MIN_SHARE * table.shape[1]]
    axes.plot(
        enough.index,
        enough.median(axis=1),
        color=colour,
        linestyle=dashes,
        linewidth=2.4,
        marker=marker if len(enough) < 3 else "",
        zorder=3,
    )


def _offsets(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Horizontal offsets of ascending values, so that close ones do not overlap."""
    if len(values) > MAX_SIDE_BY_SIDE:  # multiples of the golden ratio spread evenly
        return np.asarray(0.36 * ((np.arange(len(values)) * 0.618034) % 1 - 0.5), np.float64)
    steps, run = np.zeros(len(values)), 0
    for i in range(1, len(values)):
        run = run + 1 if values[i] - values[i - 1] < 0.012 else 0
        steps[i] = 0.055 * ((run + 1) // 2) * (-1) ** run
    return np.clip(steps, -0.22, 0.16)
