"""Risk-coverage curves of selective prediction."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from idc.plots.style import (
    GREY,
    MARKERS,
    Look,
    curve_style,
    legend_below,
    literal,
    new_figure,
    note_empty,
)

MIN_COVERAGE = 0.05  # below it, a curve is too noisy to set the scale
AXES = {"risk": "share of errors among them", "recall": "recall among them"}


def risk_coverage_figure(curves: Mapping[str, pd.DataFrame], target_recall: float = 0.99) -> Figure:
    """Share of errors and, for two classes, recall against the share of patches kept.

    Args:
        curves: Name of a measure of confidence to its curve, from
            `idc.metrics.selective_prediction.risk_coverage`: ``coverage``, ``risk`` and, for two
            classes, ``recall``.
        target_recall: Recall whose largest coverage is marked, in (0, 1].
    """
    curves = {name: table for name, table in curves.items() if len(table)}
    columns = list(AXES) if any(map(_has_recall, curves.values())) else ["risk"]
    figure = new_figure(5.2 * len(columns), 4.3 + 0.19 * len(curves))
    figure.suptitle("Test patches decided, most confident first")
    grid = figure.subplots(1, len(columns), squeeze=False).ravel()
    for axes, column in zip(grid, columns, strict=True):
        _draw(axes, curves, column, target_recall)
    legend_below(figure, list(grid), 1 if len(curves) > 1 else 2)
    return figure


def _draw(axes: Axes, curves: Mapping[str, pd.DataFrame], column: str, target: float) -> None:
    axes.set(xlim=(0, 1.01), xlabel="share of patches decided", ylabel=AXES[column])
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    if not curves:
        note_empty(axes, "not drawn: nothing to measure")
    scale = [0.0, 0.05] if column == "risk" else [1.0, target - 0.02]
    for number, (name, table) in enumerate(curves.items()):
        label, at = literal(name, 40), []
        if _has_recall(table):
            # The largest coverage whose recall reaches the target.
            at = np.flatnonzero(table["recall"].to_numpy(np.float64) >= target)[-1:].tolist()
            reached = f"{table['coverage'].iloc[at[0]]:.0%} decided at recall" if at else ""
            label += f": {reached} {target:g}" if at else f": recall {target:g} not reached"
        elif column == "recall":
            continue
        coverage, values = (table[key].to_numpy(np.float64) for key in ("coverage", column))
        scale += values[(coverage >= MIN_COVERAGE) & np.isfinite(values)].tolist()
        look: Look = {"marker": MARKERS[number], "markersize": 8, "markeredgecolor": "white"}
        look |= {"markevery": at} if at else {"marker": None}
        axes.plot(coverage, values, label=label, **curve_style(number), **look)
    if column == "recall":
        axes.axhline(target, color=GREY, linestyle=":", linewidth=1.2, label=f"recall {target:g}")
    low, high = min(scale), max(scale)
    margin = 0.05 * (high - low)
    axes.set_ylim(max(low - margin, -0.02), min(high + margin, 1.02))


def _has_recall(table: pd.DataFrame) -> bool:
    """Whether the recall is defined: there are two classes, and positives."""
    return "recall" in table and bool(table["recall"].notna().any())
