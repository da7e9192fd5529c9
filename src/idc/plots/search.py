"""A hyperparameter search: its course, what mattered, and what was tried.

Tables have one row per trial: ``trial``, ``state`` (COMPLETE, PRUNED, ...), ``value`` (of a pruned
trial that of its last epoch, NaN without one), and one column for each option that was searched.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from idc.plots.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PLAIN,
    Look,
    hide_rest,
    legend_below,
    literal,
    new_figure,
    note_empty,
    wrap_grid,
)
from idc.text import count, metric_label

PER_ROW = 4  # panels
MOST = 12  # options that are shown
TICK: Look = {
    "fontsize": 8,
    "va": "center",
    "zorder": 5,
    "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.8},
}
NAME = 26  # characters of an option, or of a choice


def history_figure(trials: pd.DataFrame, metric: str, mode: str = "max") -> Figure:
    """The value of each trial, and the best until then."""
    figure = new_figure(6.4, 3.6)
    axes = figure.subplots()
    whole, stopped = _whole(trials), trials[trials["state"] == "PRUNED"]
    axes.scatter(whole["trial"], whole["value"], color=BLUE, s=34, label="trained to its end")
    marks = axes.scatter(stopped["trial"], stopped["value"], color=GREY, marker="x", s=34)
    if len(stopped):
        marks.set_label("stopped early: value of its last epoch")
    if len(whole):
        running = whole["value"].cummax() if mode == "max" else whole["value"].cummin()
        axes.step(whole["trial"], running, where="post", color=ORANGE, label="best so far")
    else:
        note_empty(axes, "no trial was trained to its end")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="trial", ylabel=_validation(metric))
    figure.suptitle("Course of the search")
    legend_below(figure, [axes], columns=3)
    return figure


def importance_figure(importance: Mapping[str, float], metric: str, trials: int) -> Figure:
    """Share of each option in the variance of the metric over whole trials, the largest first."""
    rows = sorted(importance.items(), key=lambda row: row[1])[-MOST:]
    figure = new_figure(6.4, 0.36 * len(rows) + 1.3)
    axes = figure.subplots()
    bars = axes.barh(
        [literal(name, NAME) for name, _ in rows], [share for _, share in rows], color=BLUE
    )
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set_xlim(0, 1.1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"share of the variance of {_validation(metric)} (fANOVA)")
    figure.suptitle(f"What mattered among the values of {count(trials, 'whole trial')}")
    return figure


def slice_figure(
    trials: pd.DataFrame, parameters: Sequence[str], metric: str, log_scaled: Sequence[str] = ()
) -> Figure:
    """The metric against each option, one panel per option."""
    shown = list(parameters)[:MOST]
    rows, columns = wrap_grid(len(shown), PER_ROW)
    figure = new_figure(2.5 * columns + 0.6, 2.5 * rows + 0.9)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes, name in zip(grid, shown, strict=False):
        _slice(axes, trials, name, name in log_scaled)
    for axes in grid[::columns]:
        axes.set_ylabel(_validation(metric))
    hide_rest(list(grid), len(shown))
    figure.suptitle("Each option and what its trials reached")
    legend_below(figure, [grid[0]])
    return figure


def _slice(axes: Axes, trials: pd.DataFrame, name: str, log: bool) -> None:
    places, ticks = _places(trials[name])
    looks: dict[str, Look] = {
        "COMPLETE": {"color": BLUE, "label": "trained to its end"},
        "PRUNED": {"color": GREY, "marker": "x", "label": "stopped early"},
    }
    for state, look in looks.items():
        of_state = (trials["state"] == state).to_numpy()
        if of_state.any():
            axes.scatter(places[of_state], trials["value"][of_state], s=28, **look)
    axes.set_xlabel(literal(name, NAME))
    if ticks:
        axes.set_xticks(range(len(ticks)), ticks, rotation=20 if len(ticks) > 2 else 0)
        axes.set_xlim(-0.5, len(ticks) - 0.5)
    elif log:
        axes.set_xscale("log")


def parallel_figure(
    trials: pd.DataFrame, parameters: Sequence[str], metric: str, log_scaled: Sequence[str] = ()
) -> Figure:
    """One line per whole trial through the values of its options, coloured by what it reached."""
    whole, shown = _whole(trials), list(parameters)[:MOST]
    figure = new_figure(1.25 * (len(shown) + 1) + 1.6, 4.2)
    axes = figure.subplots()
    axes.set_axis_off()
    figure.suptitle("Values of the trials that were trained to their end")
    if whole.empty:
        note_empty(axes, "no trial was trained to its end")
        return figure
    columns, size = [*shown, "value"], len(shown) + 1
    heights = np.empty((len(whole), size))
    for place, name in enumerate(columns):
        heights[:, place] = _axis(axes, place, whole[name], name in log_scaled)
        label = _validation(metric) if name == "value" else name
        axes.text(place, -0.1, literal(label, NAME), ha="right", va="top", rotation=25, fontsize=9)
    ends = whole["value"].min(), whole["value"].max()
    scale = Normalize(*(ends if ends[0] < ends[1] else (ends[0] - 0.5, ends[1] + 0.5)))
    # The best on top.
    for row in np.argsort(whole["value"].to_numpy()):
        colour = colormaps[PLAIN](scale(whole["value"].iloc[row]))
        axes.plot(range(size), heights[row], color=colour, linewidth=1.8, alpha=0.9)
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(-0.35, 1.08)
    bar = figure.colorbar(ScalarMappable(scale, PLAIN), ax=axes, shrink=0.8, pad=0.02)
    bar.set_label(_validation(metric))
    return figure


def _axis(axes: Axes, place: int, values: "pd.Series[float]", log: bool) -> NDArray[np.float64]:
    """Draw one axis, and return the heights of its values, 0 to 1."""
    places, ticks = _places(values)
    scaled = np.log10(places) if log and not ticks else places
    low, high = (0.0, max(len(ticks) - 1, 1)) if ticks else (scaled.min(), scaled.max())
    span = high - low or 1.0
    axes.plot([place, place], [0, 1], color=BLACK, linewidth=1)
    marks = list(enumerate(ticks)) if ticks else [(at, _number(at, log)) for at in (low, high)]
    for at, text in marks:
        axes.text(place + 0.05, (at - low) / span, text, **TICK)
    return np.asarray((scaled - low) / span, np.float64)


def _number(value: float, log: bool) -> str:
    return f"{10**value if log else value:.3g}"


def _places(values: "pd.Series[float]") -> tuple[NDArray[np.float64], list[str]]:
    """Numbers as they are; choices as 0, 1, ... with their names."""
    if pd.api.types.is_numeric_dtype(values):
        return np.asarray(values, np.float64), []
    names = sorted(set(values.astype(str)))
    codes = values.astype(str).map(names.index).to_numpy(np.float64)
    return codes, [literal(name, NAME) for name in names]


def _whole(trials: pd.DataFrame) -> pd.DataFrame:
    return trials[trials["state"] == "COMPLETE"]


def _validation(metric: str) -> str:
    split = {"val": "validation", "train": "training"}.get(metric.partition("/")[0], "")
    return f"{split} {metric_label(metric)}".strip()
