"""Learning curves and metrics of the folds of a cross-validation."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from idc.plots.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    STAGES,
    Look,
    empty_figure,
    hide_rest,
    legend_below,
    literal,
    new_figure,
    wrap_grid,
)
from idc.text import count, metric_label

SHOWN = ("loss", "f1", "recall", "auroc")
MIN_SHARE = 0.5  # of the folds, for a median
MEDIANS = {
    "val": "validation, median of at least half of the folds",
    "train": "training, median likewise",
}
NAME = 16  # characters of a fold's name


def fold_learning_figure(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """One panel per metric: a thin validation curve per fold, and medians over the folds.

    Folds stop at different epochs; a median ends when fewer than half of the folds remain.
    Histories are in long form: ``epoch`` (from 1), ``stage`` (train or val), ``metric``, ``value``.
    """
    parts = [frame.assign(fold=str(name)) for name, frame in histories.items()]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["metric"])
    available = [metric for metric in SHOWN if (whole["metric"] == metric).any()]
    if not available:
        return empty_figure("no fold has a history")
    rows, columns = wrap_grid(len(available), 2)
    figure = new_figure(4.4 * columns, 3.1 * rows + 0.9)
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, metric in zip(grid, available, strict=False):
        of_metric = whole[whole["metric"] == metric]
        for split, words in MEDIANS.items():
            table = of_metric[of_metric["stage"] == split].pivot_table(
                index="epoch", columns="fold", values="value"
            )
            if split == "val":
                _draw_folds(axes, table)
            enough = table[table.notna().sum(axis=1) >= MIN_SHARE * table.shape[1]]
            look: Look = {"color": STAGES[split], "linestyle": "-" if split == "val" else "--"}
            look["marker"] = "o" if len(enough) < 3 else ""
            look |= {"label": words, "linewidth": 2.4, "zorder": 3}
            axes.plot(enough.index, enough.median(axis=1), **look)
        axes.set(xlabel="epoch", ylabel=metric_label(metric))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    hide_rest(grid, len(available))
    legend_below(figure, grid, columns)
    figure.suptitle(f"{count(len(histories), 'fold')}: training and validation")
    return figure


def _draw_folds(axes: Axes, table: pd.DataFrame) -> None:
    """Draw a thin validation curve of each fold."""
    for fold in table.columns:
        history = table[fold].dropna()
        marker = "." if len(table) < 3 else ""
        look: Look = {"color": STAGES["val"], "linewidth": 0.8, "alpha": 0.55, "marker": marker}
        axes.plot(history.index, history, label="validation, one fold", **look)


def fold_metrics_figure(table: pd.DataFrame, pooled: pd.DataFrame | None = None) -> Figure:
    """One dot per fold, mean and deviation of the folds, and the pooled value with its interval.

    The mean of the folds differs from the pooled value, especially for F1: folds with few patches,
    or with one class, count as much as others in the mean. `table` has ``fold``, ``metric``,
    ``value`` (NaN if a fold lacks a class) and, if there are several, ``setting``, whose order is
    kept; `pooled` has ``metric``, ``value``, ``low``, ``high``, and ``setting`` if `table` has it.
    """
    if table.empty:
        return empty_figure("no folds")
    if pooled is None:
        pooled = pd.DataFrame(columns=["metric", "value", "low", "high"])
    table, pooled = (
        frame if "setting" in frame else frame.assign(setting="") for frame in (table, pooled)
    )
    settings, metrics = (list(dict.fromkeys(table[key])) for key in ("setting", "metric"))
    rows, columns = wrap_grid(len(settings), 2)
    figure = new_figure(max(1.2 * len(metrics) + 1.2, 5.4) * columns, 3.6 * rows + 0.8)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel().tolist()
    for axes, setting in zip(grid, settings, strict=False):
        of_setting, whole = table[table["setting"] == setting], pooled[pooled["setting"] == setting]
        for place, metric in enumerate(metrics):
            _draw_values(axes, place, of_setting[of_setting["metric"] == metric])
            _draw_pooled(axes, place, whole[whole["metric"] == metric])
        axes.set_xticks(range(len(metrics)), [metric_label(m).replace(" ", "\n") for m in metrics])
        axes.set_xlim(-0.6, len(metrics) - 0.4)
        axes.tick_params(labelleft=True)
        axes.margins(y=0.1)
        axes.grid(visible=False, axis="x")
        folds = count(of_setting["fold"].nunique(), "fold")
        axes.set_title(f"{literal(str(setting), 50)}: {folds}" if setting else folds)
    hide_rest(grid, len(settings))
    legend_below(figure, grid, 1 + columns)
    return figure


def _draw_values(axes: Axes, place: int, table: pd.DataFrame) -> None:
    """Draw one dot per fold, mean and sample deviation, and the name of the lowest fold."""
    finite = table[np.isfinite(table["value"].to_numpy(np.float64))].sort_values("value")
    values = finite["value"].to_numpy(np.float64)
    if not len(values):
        at_column = axes.get_xaxis_transform()
        look: Look = {"rotation": 90, "ha": "center", "va": "center", "color": GREY}
        axes.text(place, 0.5, "unknown", transform=at_column, **look)
        return
    # Multiples of the golden ratio spread evenly, so that close values do not overlap.
    spread = 0.3 * ((np.arange(len(values)) * 0.618034 + 0.5) % 1 - 0.5)
    x = place - 0.14 + spread
    axes.plot(x, values, "o", color=BLUE, markersize=4, alpha=0.7, label="fold")
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    look = {"color": BLACK, "marker": "_", "markersize": 13, "linestyle": ""}
    label = "mean and deviation of the folds"
    axes.errorbar(place + 0.12, values.mean(), deviation, label=label, **look)
    if len(values) > 1:
        name = literal(str(finite["fold"].iloc[0]), NAME)
        below: Look = {"textcoords": "offset points", "ha": "center", "va": "top"}
        axes.annotate(name, (x[0], values[0]), (0, -4), fontsize=7, **below)


def _draw_pooled(axes: Axes, place: int, table: pd.DataFrame) -> None:
    """Draw the pooled value, if there is one, with its interval."""
    for row in table.to_dict("records"):
        x, label = place + 0.27, "all folds pooled, with interval"
        axes.plot([x] * 2, [row["low"], row["high"]], color=ORANGE, linewidth=2)
        axes.plot(x, row["value"], "D", color=ORANGE, label=label)
        beside: Look = {"textcoords": "offset points", "va": "center"}
        axes.annotate(f"{row['value']:.2f}", (x, row["value"]), (5, 0), fontsize=7.5, **beside)
