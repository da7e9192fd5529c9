"""Leaderboard of a sweep's settings, with the baselines below them."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from idc.plots.style import BLACK, BLUE, GREY, SKY, Look, empty_figure, literal, new_figure
from idc.text import metric_label

LEAKY = "†  patients are in two splits: optimistic"
INTERVAL, DEVIATION = "95 % interval over patients (bar)", "sample deviation (whisker)"
SINGLES = "single runs (ticks)"
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
        return empty_figure("no setting has finished")
    rows = table.to_dict("records")
    rows.sort(key=_is_baseline)
    baselines = sum(map(_is_baseline, rows))
    names = [_name(row) for row in rows]
    width = max(2.4 * len(metrics) + 0.075 * max(map(len, names)), 4.8)
    figure = new_figure(width, 0.5 * len(rows) + 1.8)
    grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False).ravel()
    kinds: dict[str, None] = {value: None}  # in order, each once
    for axes, metric in zip(grid, metrics, strict=True):
        for place, row in enumerate(rows):
            kinds |= dict.fromkeys(_mark(axes, place, row, metric))
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


def _name(row: Mapping[Any, Any]) -> str:
    name = literal(str(row["setting"]), NAME) + (" †" if row.get("leaky", False) else "")
    return f"{name}  (baseline)" if _is_baseline(row) else f"{name}  (n={row['runs']})"


def _mark(axes: Axes, place: int, row: Mapping[Any, Any], metric: str) -> list[str]:
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
