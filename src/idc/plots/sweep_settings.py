"""Settings of a sweep: the leaderboard, and metrics against the size of the training split."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter
from matplotlib.transforms import offset_copy

from idc.plots.style import (
    BLACK,
    BLUE,
    GREY,
    MARKERS,
    SKY,
    Look,
    curve_style,
    empty_figure,
    hide_rest,
    literal,
    new_figure,
    wrap_grid,
)
from idc.text import metric_label

LEAKY = "†  patients are in two splits: optimistic"
INTERVAL, DEVIATION = "95 % interval over patients (bar)", "sample deviation (whisker)"
SINGLES = "single runs (ticks)"
NAME = 52  # characters of a setting that are shown
LOG_RATIO = 10  # ratio of largest to smallest size from which the axis is logarithmic
MAX_TICKS = 8
APART = 3.0  # points between the bars of two settings


def leaderboard_figure(table: pd.DataFrame, metrics: Sequence[str], value: str = "mean") -> Figure:
    """Dot plots of the settings, one panel per metric.

    A bar is the interval of a setting, or a whisker the sample deviation of its runs. Ticks are
    single runs. Baselines are hollow, below a line. Rows are ordered by the first metric, best
    first: ``setting``, ``runs``, ``<metric>_mean``, ``<metric>_std`` (NaN for one run),
    ``<metric>_values`` and, optionally, ``<metric>_low`` and ``<metric>_high``, ``kind`` (``run``
    or ``baseline``) and ``leaky`` (bool).
    """
    if table.empty:
        return empty_figure("no setting has finished")
    rows = table.to_dict("records")
    rows.sort(key=_is_baseline)
    baselines = sum(map(_is_baseline, rows))
    names = [_setting_name(row) for row in rows]
    width = max(2.4 * len(metrics) + 0.075 * max(map(len, names)), 4.8)
    figure = new_figure(width, 0.5 * len(rows) + 1.8)
    grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False).ravel()
    kinds: dict[str, None] = {value: None}  # in order, each once
    for axes, metric in zip(grid, metrics, strict=True):
        for place, row in enumerate(rows):
            kinds |= dict.fromkeys(_mark_setting(axes, place, row, metric))
        if 0 < baselines < len(rows):
            line: Look = {"color": BLACK, "linewidth": 0.9, "linestyle": (0, (4, 3))}
            axes.axhline(len(rows) - baselines - 0.5, **line)
        axes.set_xlabel(metric_label(metric))
        axes.margins(x=0.2)
        axes.set_ylim(len(rows) - 0.4, -0.7)
    grid[0].set_yticks(range(len(rows)), names)
    figure.suptitle(textwrap.fill(f"Test metrics: {', '.join(kinds)}", int(11 * width)))
    if any(row.get("leaky", False) for row in rows):
        figure.supxlabel(LEAKY)
    return figure


def _is_baseline(row: Mapping[Any, Any]) -> bool:
    return row.get("kind") == "baseline"


def _setting_name(row: Mapping[Any, Any]) -> str:
    name = literal(str(row["setting"]), NAME) + (" †" if row.get("leaky", False) else "")
    return f"{name}  (baseline)" if _is_baseline(row) else f"{name}  (n={row['runs']})"


def _mark_setting(axes: Axes, place: int, row: Mapping[Any, Any], metric: str) -> list[str]:
    """Draw a setting's value of a metric, with interval or deviation; return the kinds of marks."""
    value, baseline = float(row[f"{metric}_mean"]), _is_baseline(row)
    kinds: list[str] = []
    if not np.isfinite(value):
        at_row = axes.get_yaxis_transform()
        axes.text(0.5, place, "unknown", transform=at_row, ha="center", va="center", color=GREY)
        return kinds
    ends = [float(row.get(f"{metric}_{end}", np.nan)) for end in ("low", "high")]
    if np.isfinite(ends).all():
        axes.plot(ends, [place] * 2, color=GREY if baseline else SKY, linewidth=4, alpha=0.8)
        kinds.append(INTERVAL)
    elif np.isfinite(float(row[f"{metric}_std"])):
        axes.errorbar(value, place, xerr=row[f"{metric}_std"], color=BLUE, capsize=4)
        kinds.append(DEVIATION)
    singles = row[f"{metric}_values"]
    if len(singles) > 1:
        axes.plot(singles, [place] * len(singles), "|", color=BLACK, markersize=11, alpha=0.55)
        kinds.append(SINGLES)
    look: Look = {"color": BLACK, "markerfacecolor": "white"} if baseline else {"color": BLUE}
    axes.plot(value, place, "o", zorder=3, **look)
    axes.annotate(
        f"{value:.3f}", (value, place), (0, 7), textcoords="offset points", ha="center", fontsize=8
    )
    return kinds


def learning_size_figure(table: pd.DataFrame) -> Figure:
    """One panel per metric: mean by size of the training split, one line per setting.

    Sizes are patients, or patches where those were left out and the patients stayed. One row per
    ``setting``, size (``patients`` and, optionally, ``patches``) and ``metric``: ``mean``, ``n``
    (runs), ``low`` and ``high`` or ``std`` (NaN for one run) and, optionally, ``values``, the
    single runs.
    """
    if table.empty:
        return empty_figure("no run has finished")
    metrics = list(dict.fromkeys(table["metric"]))
    settings = list(dict.fromkeys(table["setting"]))
    unit = _size_unit(table)
    rows, columns = wrap_grid(len(metrics), 2)
    figure = new_figure(4.6 * columns, 3.3 * rows + 0.8 + 0.2 * len(settings))
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, metric in zip(grid, metrics, strict=False):
        _size_axis(axes, np.unique(table[unit].to_numpy(np.float64)).tolist(), unit)
        of_metric = table[table["metric"] == metric]
        for number, setting in enumerate(settings):
            part = of_metric[of_metric["setting"] == setting].sort_values(unit)
            shift = APART * (number - (len(settings) - 1) / 2)
            _draw_sizes(axes, part, unit, number, shift)
        axes.set_ylabel(metric_label(metric))
    hide_rest(grid, len(metrics))
    figure.legend(
        grid[0].get_legend_handles_labels()[0],
        [literal(str(setting), NAME) for setting in settings],
        loc="outside lower center",
        ncols=columns if len(settings) > 4 else 1,
    )
    figure.suptitle(textwrap.fill(_size_title(table), 52 * columns))
    return figure


def _draw_sizes(axes: Axes, part: pd.DataFrame, unit: str, number: int, shift: float) -> None:
    """Draw means joined by a line, with interval or deviation, and single runs."""
    figure = axes.figure
    assert isinstance(figure, Figure)
    # Settings stand side by side, so that their bars do not overlap.
    beside: Look = {"transform": offset_copy(axes.transData, figure, x=shift, units="points")}
    style = curve_style(number)
    sizes, mean = part[unit].to_numpy(np.float64), part["mean"].to_numpy(np.float64)
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


def _size_unit(table: pd.DataFrame) -> str:
    """``patches`` where their number varies far more than that of the patients."""
    ratios = {
        name: table[name].max() / max(table[name].min(), 1)
        for name in ("patients", "patches")
        if name in table
    }
    return "patches" if ratios.get("patches", 0) > ratios["patients"] ** 2 else "patients"


def _size_axis(axes: Axes, sizes: list[float], unit: str) -> None:
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
    axes.set_xlabel(f"training {unit}" + (" (logarithmic)" if is_log else ""))


def _size_title(table: pd.DataFrame) -> str:
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
