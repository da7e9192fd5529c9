"""Metrics against the size of the training split."""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from idc.plots.style import curve_style, hide_rest, literal, new_figure, note_empty, tidy, wrap_grid
from idc.text import metric_label

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")  # one more than colours
LOG_RATIO = 10  # ratio of largest to smallest size from which the axis is logarithmic
LETTER = 0.025  # width of a character of a tick label, as a share of the axis
NAME = 48  # characters of a setting that are shown


def learning_size_figure(
    table: pd.DataFrame, by: Literal["patients", "patches"] = "patients"
) -> Figure:
    """One panel per metric: mean by size of the training split, one line per setting.

    Args:
        table: One row per setting, size and metric: ``setting``, ``patients`` and ``patches`` of
            the training split, ``metric``, ``mean``, ``n`` (runs), and either ``low`` and ``high``
            (an interval) or ``std`` (sample standard deviation, NaN for one run); optionally
            ``values``, the single runs (list of float).
        by: Unit of the size.
    """
    metrics = list(dict.fromkeys(table["metric"]))
    settings = list(dict.fromkeys(table["setting"]))
    rows, columns = wrap_grid(max(len(metrics), 1), 2)
    figure = new_figure(4.6 * columns, 3.3 * rows + 0.8 + 0.2 * len(settings))
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    if table.empty:
        grid[0].set_axis_off()
        note_empty(grid[0], "no run has finished")
        return figure
    sizes = np.unique(table[by].to_numpy(np.float64))
    for axes, metric in zip(grid, metrics, strict=False):
        _size_axis(axes, sizes, by)
        of_metric = table[table["metric"] == metric]
        for number, setting in enumerate(settings):
            part = of_metric[of_metric["setting"] == setting].sort_values(by)
            shift = (number - (len(settings) - 1) / 2) * min(0.012, 0.06 / len(settings))
            _line(axes, part, _shifted(axes, part[by].to_numpy(np.float64), shift), number)
        axes.set_ylabel(metric_label(metric))
        tidy(axes)
    hide_rest(grid, len(metrics))
    handles, _ = grid[0].get_legend_handles_labels()
    names = [literal(str(setting), NAME) for setting in settings]
    figure.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=columns if len(names) > 4 else 1,
        frameon=False,
        fontsize=9,
    )
    figure.suptitle(_title(table), fontsize=11)
    return figure


def _line(axes: Axes, part: pd.DataFrame, places: NDArray[np.float64], number: int) -> None:
    """Draw means joined by a line, with interval or deviation, and single runs."""
    style = {**curve_style(number), "marker": MARKERS[number % len(MARKERS)], "markersize": 5}
    mean = part["mean"].to_numpy(np.float64)
    axes.plot(places, mean, label=str(number), zorder=3, **style)
    low, high = _spread(part, mean)
    axes.vlines(places, low, high, color=style["color"], linewidth=1.2, alpha=0.8)
    if "values" in part:
        for place, values in zip(places, part["values"], strict=True):
            if len(values) > 1:
                ticks = [place] * len(values)
                axes.plot(ticks, values, "_", color=style["color"], markersize=7, alpha=0.7)


def _spread(
    part: pd.DataFrame, mean: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the bars: the interval if there is one, else mean and deviation, else nothing."""
    missing = pd.Series(np.nan, part.index)
    low, high, deviation = (
        part.get(name, missing).to_numpy(np.float64) for name in ("low", "high", "std")
    )
    has_interval = np.isfinite(low) & np.isfinite(high)
    step = np.nan_to_num(deviation)
    return np.where(has_interval, low, mean - step), np.where(has_interval, high, mean + step)


def _size_axis(axes: Axes, sizes: NDArray[np.float64], by: str) -> None:
    """Set up the x axis, logarithmic for a wide range, with the sizes as ticks."""
    low, high = sizes.min(), sizes.max()
    is_log = low > 0 and high >= LOG_RATIO * low
    if is_log:
        axes.set_xscale("log")
        pad = (high / low) ** 0.07
        axes.set_xlim(low / pad, high * pad)
    else:
        pad = 0.07 * (high - low) or max(0.2 * high, 1)
        axes.set_xlim(low - pad, high + pad)
    shares = axes.transAxes.inverted().transform(
        axes.transData.transform(np.column_stack([sizes, np.zeros(len(sizes))]))
    )[:, 0]
    room = LETTER * (len(f"{high:,.0f}") + 1)
    axes.xaxis.set_major_locator(FixedLocator(sizes[_labelled(shares, room)].tolist()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.set_xlabel(f"training {by}" + (" (logarithmic)" if is_log else ""))


def _labelled(shares: NDArray[np.float64], room: float) -> list[int]:
    """Ascending positions to label: the first, the last, and others that do not overlap."""
    last = len(shares) - 1
    kept = [0]
    for i in range(1, last):
        if shares[i] - shares[kept[-1]] >= room and shares[last] - shares[i] >= room:
            kept.append(i)
    return kept if last == 0 else [*kept, last]


def _shifted(axes: Axes, places: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    """Shift positions by a share of the axis, so that the bars of settings do not overlap."""
    low, high = axes.get_xlim()
    if axes.get_xscale() == "log":
        return np.asarray(places * (high / low) ** shift)
    return np.asarray(places + shift * (high - low))


def _title(table: pd.DataFrame) -> str:
    runs = sorted(set(table["n"].tolist()))
    number = f"{runs[0]:,}" if len(runs) == 1 else f"{runs[0]:,} to {runs[-1]:,}"
    parts = ["single runs" if runs == [1] else f"mean of {number} runs"]
    has_interval = "low" in table and table["low"].notna().any()
    has_deviation = "std" in table and table["std"].notna().any()
    if has_interval or has_deviation:
        parts.append(f"bar: {'interval' if has_interval else 'sample deviation'}")
    if "values" in table and any(len(values) > 1 for values in table["values"]):
        parts.append("small marks: single runs")
    return f"By size of the training split: {', '.join(parts)}"
