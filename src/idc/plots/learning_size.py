"""Metrics against the size of the training split."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter
from matplotlib.transforms import offset_copy

from idc.plots.style import (
    MARKERS,
    Look,
    curve_style,
    empty_figure,
    hide_rest,
    literal,
    new_figure,
    wrap_grid,
)
from idc.text import metric_label

LOG_RATIO = 10  # ratio of largest to smallest size from which the axis is logarithmic
MAX_TICKS = 8
APART = 3.0  # points between the bars of two settings
NAME = 48  # characters of a setting that are shown


def learning_size_figure(table: pd.DataFrame) -> Figure:
    """One panel per metric: mean by size of the training split, one line per setting.

    Args:
        table: One row per setting, size and metric: ``setting``, ``patients`` of the training
            split, ``metric``, ``mean``, ``n`` (runs), and either ``low`` and ``high`` (an interval)
            or ``std`` (sample standard deviation, NaN for one run); optionally ``values``, the
            single runs (list of float).
    """
    if table.empty:
        return empty_figure("no run has finished")
    metrics = list(dict.fromkeys(table["metric"]))
    settings = list(dict.fromkeys(table["setting"]))
    rows, columns = wrap_grid(len(metrics), 2)
    figure = new_figure(4.6 * columns, 3.3 * rows + 0.8 + 0.2 * len(settings))
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, metric in zip(grid, metrics, strict=False):
        _size_axis(axes, np.unique(table["patients"].to_numpy(np.float64)).tolist())
        of_metric = table[table["metric"] == metric]
        for number, setting in enumerate(settings):
            part = of_metric[of_metric["setting"] == setting].sort_values("patients")
            shift = APART * (number - (len(settings) - 1) / 2)
            _draw(axes, part, number, shift)
        axes.set_ylabel(metric_label(metric))
    hide_rest(grid, len(metrics))
    figure.legend(
        grid[0].get_legend_handles_labels()[0],
        [literal(str(setting), NAME) for setting in settings],
        loc="outside lower center",
        ncols=columns if len(settings) > 4 else 1,
    )
    figure.suptitle(textwrap.fill(_title(table), 52 * columns))
    return figure


def _draw(axes: Axes, part: pd.DataFrame, number: int, shift: float) -> None:
    """Draw means joined by a line, with interval or deviation, and single runs."""
    figure = axes.figure
    assert isinstance(figure, Figure)
    # Settings stand side by side, so that their bars do not overlap.
    beside: Look = {"transform": offset_copy(axes.transData, figure, x=shift, units="points")}
    style = curve_style(number)
    sizes, mean = part["patients"].to_numpy(np.float64), part["mean"].to_numpy(np.float64)
    part = part.reindex(columns=[*part.columns, *({"low", "high", "std"} - {*part.columns})])
    step = np.nan_to_num(part["std"].to_numpy(np.float64))
    low, high = part["low"].fillna(part["mean"] - step), part["high"].fillna(part["mean"] + step)
    marker: Look = {"marker": MARKERS[number % len(MARKERS)], "markersize": 5}
    axes.plot(sizes, mean, label=str(number), zorder=3, **style, **marker, **beside)
    axes.vlines(sizes, low, high, color=style["color"], linewidth=1.2, alpha=0.8, **beside)
    for size, values in zip(sizes, part.get("values", []), strict=False):
        if len(values) > 1:
            look: Look = {"color": style["color"], "markersize": 7, "alpha": 0.7}
            axes.plot([size] * len(values), values, "_", **look, **beside)
    axes.update_datalim(np.column_stack([np.repeat(sizes, 2), np.stack([low, high], 1).ravel()]))


def _size_axis(axes: Axes, sizes: list[float]) -> None:
    """Set up the x axis, logarithmic for a wide range, with the sizes as ticks."""
    is_log = sizes[0] > 0 and sizes[-1] >= LOG_RATIO * sizes[0]
    axes.set_xscale("log" if is_log else "linear")
    axes.margins(x=0.1)
    # Labels of close sizes would overlap.
    at = np.log(sizes) if is_log else np.asarray(sizes)
    kept = [0]
    for number in range(1, len(sizes)):
        if min(at[number] - at[kept[-1]], at[-1] - at[number]) > (at[-1] - at[0]) / MAX_TICKS:
            kept.append(number)
    axes.xaxis.set_major_locator(FixedLocator(sorted({*(sizes[i] for i in kept), sizes[-1]})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("training patients" + (" (logarithmic)" if is_log else ""))


def _title(table: pd.DataFrame) -> str:
    runs = sorted(set(table["n"].tolist()))
    number = f"{runs[0]:,}" if len(runs) == 1 else f"{runs[0]:,} to {runs[-1]:,}"
    parts = ["single runs" if runs == [1] else f"mean of {number} runs"]
    if "low" in table and table["low"].notna().any():
        parts.append("bar: interval")
    elif "std" in table and table["std"].notna().any():
        parts.append("bar: sample deviation")
    if "values" in table and any(len(values) > 1 for values in table["values"]):
        parts.append("small marks: single runs")
    return f"By size of the training split: {', '.join(parts)}"
