"""Risk-coverage curves of selective prediction."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from idc.plots.style import GREY, curve_style, literal, new_figure, note_empty, tidy

MARKERS = "osD^vPX"
MIN_COVERAGE = 0.05  # below it, a curve is too noisy to set the scale


def risk_coverage_figure(
    curves: Mapping[str, pd.DataFrame],
    target_recall: float = 0.99,
    title: str = "Test patches decided, most confident first",
) -> Figure:
    """Share of errors and, for two classes, recall against the share of patches kept.

    Args:
        curves: Name of a measure of confidence to its curve, from
            `idc.metrics.selective_prediction.risk_coverage`: ``coverage``, ``risk`` and, for two
            classes, ``recall``.
        target_recall: Recall whose largest coverage is marked, in (0, 1].
        title: Title of the figure.
    """
    columns = ["risk"]
    if any(_has_recall(table) for table in curves.values()):
        columns.append("recall")
    figure = new_figure(5.2 * len(columns), 4.3 + 0.19 * len(curves))
    figure.suptitle(literal(title, 90), fontsize=12)
    grid = figure.subplots(1, len(columns), squeeze=False).ravel()
    for axes, column in zip(grid, columns, strict=True):
        _draw(axes, curves, column, target_recall)
    handles, labels = grid[0].get_legend_handles_labels()
    if "recall" in columns:
        label = f"recall {target_recall:g}"
        line = grid[1].axhline(target_recall, color=GREY, linestyle=":", linewidth=1.2)
        handles, labels = [*handles, line], [*labels, label]
    if handles:
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=1 if len(handles) > 2 else 2,
            frameon=False,
            fontsize=9,
        )
    return figure


def _draw(axes: Axes, curves: Mapping[str, pd.DataFrame], column: str, target: float) -> None:
    words = {"risk": "share of errors among them", "recall": "recall among them"}
    axes.set(xlim=(0, 1.01), xlabel="share of patches decided", ylabel=words[column])
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    tidy(axes)
    scale = [0.0, 0.05] if column == "risk" else [1.0, target - 0.02]
    drawn = False
    for number, (name, table) in enumerate(curves.items()):
        if table.empty or (column == "recall" and not _has_recall(table)):
            continue
        drawn = True
        coverage, values = (table[key].to_numpy(np.float64) for key in ("coverage", column))
        scale += values[(coverage >= MIN_COVERAGE) & np.isfinite(values)].tolist()
        style, marker = curve_style(number), MARKERS[number % len(MARKERS)]
        label, at = literal(name, 40), _target_row(table, target)
        if _has_recall(table):
            label += (
                f": {table['coverage'].iloc[at]:.0%} decided at recall {target:g}"
                if at is not None
                else f": recall {target:g} not reached"
            )
        point = None if at is None else [at]
        axes.plot(
            coverage,
            values,
            **style,
            marker=marker if point else None,
            markevery=point,
            markersize=8,
            markeredgecolor="white",
            label=label,
        )
    if not drawn:
        note_empty(axes, "not drawn: nothing to measure")
    low, high = min(scale), max(scale)
    margin = 0.05 * (high - low)
    axes.set_ylim(max(low - margin, -0.02), min(high + margin, 1.02))


def _has_recall(table: pd.DataFrame) -> bool:
    """Whether the recall is defined: there are two classes, and positives."""
    return "recall" in table and bool(table["recall"].notna().any())


def _target_row(table: pd.DataFrame, target: float) -> int | None:
    """Row of the largest coverage whose recall reaches the target; None if there is none."""
    if not _has_recall(table):
        return None
    reached = np.flatnonzero(table["recall"].to_numpy(np.float64) >= target)
    return int(reached[-1]) if len(reached) else None
