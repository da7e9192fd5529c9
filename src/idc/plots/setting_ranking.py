"""Leaderboard of a sweep's settings, with the baselines below them."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from idc.plots.style import (
    BLACK,
    BLUE,
    GREY,
    SKY,
    literal,
    mark_unknown,
    new_figure,
    note_empty,
    tidy,
)
from idc.text import metric_label

LEAKY = "†  patients are in two splits: optimistic"
INTERVAL, DEVIATION = "95 % interval over patients (bar)", "sample deviation (whisker)"
NAME = 52  # characters of a setting that are shown


def leaderboard_figure(table: pd.DataFrame, metrics: Sequence[str], value: str = "mean") -> Figure:
    """Dot plots of the settings, one panel per metric.

    A bar is the interval of a setting, or a whisker the sample deviation of its runs. Ticks are
    single runs. Baselines are hollow, below a line.

    Args:
        table: One row per setting, best first: ``setting``, ``runs``, and for each metric
            ``<metric>_mean``, ``<metric>_std`` (NaN for one run), ``<metric>_values``. Optional:
            ``<metric>_low`` and ``<metric>_high`` (95 % interval over patients), ``kind`` (``run``
            or ``baseline``) and ``leaky`` (bool: patients are in two splits).
        metrics: The metrics, the first of which determined the order.
        value: Description of a setting's value, see `idc.text.value_label`.
    """
    if table.empty:
        figure = new_figure(5, 1.5)
        axes = figure.subplots()
        axes.set_axis_off()
        note_empty(axes, "no setting has finished")
        return figure
    is_baseline = (
        table["kind"].eq("baseline") if "kind" in table else pd.Series(False, table.index)
    ).to_numpy(bool)
    order = np.argsort(is_baseline, kind="stable")
    rows = table.iloc[order].to_dict("records")
    hollow = is_baseline[order].tolist()
    places = list(range(len(rows)))[::-1]
    names = [_name(row, baseline) for row, baseline in zip(rows, hollow, strict=True)]
    width = max(2.4 * len(metrics) + 0.075 * max(map(len, names)), 4.8)
    leaky = any(bool(row.get("leaky", False)) for row in rows)
    figure = new_figure(width, 0.5 * len(rows) + 1.6 + 0.2 * leaky)
    grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False).ravel()
    for axes, metric in zip(grid, metrics, strict=True):
        for place, row, baseline in zip(places, rows, hollow, strict=True):
            _mark(axes, place, row, metric, baseline)
        if not any(np.isfinite(_value(row, metric)) for row in rows):
            axes.set_xticks([])
        if 0 < sum(hollow) < len(rows):
            axes.axhline(sum(hollow) - 0.4, color=BLACK, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.set_xlabel(metric_label(metric))
        axes.margins(x=0.2)
        axes.set_ylim(-0.6, len(rows) - 0.3)
        axes.tick_params(axis="x", labelsize=8)
        tidy(axes)
    grid[0].set_yticks(places, names)
    title = "Test metrics: " + _legend(rows, metrics, value)
    figure.suptitle(textwrap.fill(title, int(11 * width)), fontsize=11)
    if leaky:
        figure.supxlabel(LEAKY, fontsize=9)
    return figure


def _name(row: Mapping[Any, Any], baseline: bool) -> str:
    name = literal(str(row["setting"]), NAME) + (" †" if row.get("leaky", False) else "")
    return f"{name}  (baseline)" if baseline else f"{name}  (n={row['runs']})"


def _mark(axes: Axes, place: int, row: Mapping[Any, Any], metric: str, baseline: bool) -> None:
    """Draw a setting's value of a metric, with interval or deviation."""
    value, kind = _value(row, metric), _spread_kind(row, metric)
    if not np.isfinite(value):
        mark_unknown(axes, place)
        return
    if kind == INTERVAL:
        ends = [row[f"{metric}_low"], row[f"{metric}_high"]]
        axes.plot(ends, [place] * 2, color=GREY if baseline else SKY, linewidth=4, alpha=0.8)
    elif kind == DEVIATION:
        axes.errorbar(value, place, xerr=row[f"{metric}_std"], color=BLUE, capsize=4)
    singles = row[f"{metric}_values"]
    if len(singles) > 1:
        axes.plot(singles, [place] * len(singles), "|", color=BLACK, markersize=11, alpha=0.55)
    edge = BLACK if baseline else BLUE
    face = "white" if baseline else BLUE
    axes.plot(value, place, "o", color=edge, markerfacecolor=face, zorder=3)
    axes.annotate(
        f"{value:.3f}",
        (value, place),
        (0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )


def _value(row: Mapping[Any, Any], metric: str) -> float:
    return float(row[f"{metric}_mean"])


def _spread_kind(row: Mapping[Any, Any], metric: str) -> str:
    """Kind of spread that is drawn: interval, else deviation, else none."""
    ends = [float(row.get(f"{metric}_{end}", np.nan)) for end in ("low", "high")]
    if np.isfinite(ends).all():
        return INTERVAL
    return DEVIATION if np.isfinite(float(row[f"{metric}_std"])) else ""


def _legend(rows: Sequence[Mapping[Any, Any]], metrics: Sequence[str], value: str) -> str:
    """Describe the marks that occur."""
    cells = [(row, m) for row in rows for m in metrics if np.isfinite(_value(row, m))]
    kinds = {_spread_kind(row, m) for row, m in cells}
    singles = any(len(row[f"{m}_values"]) > 1 for row, m in cells)
    parts = [value]
    parts += [kind for kind in (INTERVAL, DEVIATION) if kind in kinds]
    return ", ".join([*parts, *(["single runs (ticks)"] if singles else [])])
