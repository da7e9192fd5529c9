"""Learning curves and metrics of the folds of a cross-validation."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from idc.plots.fold_marks import (
    draw_folds,
    draw_histories,
    draw_pooled,
    fold_keys,
    history_keys,
    mark_best,
)
from idc.plots.style import hide_rest, literal, new_figure, note_empty, tidy, wrap_grid
from idc.text import count, metric_label

SHOWN = ("loss", "f1", "recall", "auroc")


def fold_learning_figure(
    histories: Mapping[str, pd.DataFrame],
    metrics: Sequence[str] = SHOWN,
    monitor: str = "",
    mode: str = "max",
) -> Figure:
    """One panel per metric: a thin validation curve per fold, and medians over the folds.

    Folds stop at different epochs; a median ends when fewer than half of the folds remain.

    Args:
        histories: Name of a fold to its history in long form: ``epoch`` (int, from 1), ``stage``
            (train or val), ``metric``, ``value``.
        metrics: Metrics to show; those that no fold has are left out.
        monitor: Metric, such as ``val/f1``, whose best epoch is marked in each fold.
        mode: ``max`` or ``min``: whether higher or lower is better.
    """
    parts = [frame.assign(fold=str(name)) for name, frame in histories.items()]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["metric"])
    available = [metric for metric in metrics if (whole["metric"] == metric).any()]
    rows, columns = wrap_grid(max(len(available), 1), 2)
    figure = new_figure(4.4 * columns, 3.1 * rows + 0.9)
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    if not available:
        grid[0].set_axis_off()
        note_empty(grid[0], "no fold has a history")
        return figure
    stage, _, monitored = monitor.rpartition("/")
    for axes, metric in zip(grid, available, strict=False):
        tables = {
            str(split): of_split.pivot_table(index="epoch", columns="fold", values="value")
            for split, of_split in whole[whole["metric"] == metric].groupby("stage")
        }
        draw_histories(axes, tables)
        if metric == monitored and (stage or "val") in tables:
            mark_best(axes, tables[stage or "val"], mode)
        axes.set(xlabel="epoch", ylabel=metric_label(metric))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        tidy(axes)
    hide_rest(grid, len(available))
    figure.legend(
        handles=history_keys(monitored if monitored in available else ""),
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=9,
    )
    figure.suptitle(f"{count(len(histories), 'fold')}: training and validation", fontsize=11)
    return figure


def fold_metrics_figure(
    table: pd.DataFrame, pooled: pd.DataFrame | None = None, noun: str = "fold"
) -> Figure:
    """One dot per fold, mean and deviation of the folds, and the pooled value with its interval.

    The mean of the folds differs from the pooled value, especially for F1: folds with few patches,
    or with one class, count as much as others in the mean.

    Args:
        table: One row per fold (or patient) and metric: ``fold``, ``metric``, ``value`` and, if
            there are several, ``setting``; NaN if a fold lacks a class. Panels and metrics keep
            their order.
        pooled: One row per metric: ``metric``, ``value``, ``low``, ``high``, from the predictions
            of all folds together, and ``setting`` if `table` has it.
        noun: What a dot is: ``fold`` or ``patient``.
    """
    table = table if "setting" in table else table.assign(setting="")
    if pooled is None:
        pooled = pd.DataFrame(columns=["setting", "metric", "value", "low", "high"])
    elif "setting" not in pooled:
        pooled = pooled.assign(setting="")
    settings = list(dict.fromkeys(table["setting"]))
    metrics = list(dict.fromkeys(table["metric"]))
    rows, columns = wrap_grid(max(len(settings), 1), 2)
    figure = new_figure(max(1.2 * len(metrics) + 1.2, 5.4) * columns, 3.6 * rows + 0.8)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel().tolist()
    if not metrics:
        grid[0].set_axis_off()
        note_empty(grid[0], f"no {noun}s")
        return figure
    for axes, setting in zip(grid, settings, strict=False):
        of_setting, whole = table[table["setting"] == setting], pooled[pooled["setting"] == setting]
        for place, metric in enumerate(metrics):
            draw_folds(axes, place, of_setting[of_setting["metric"] == metric])
            draw_pooled(axes, place, whole[whole["metric"] == metric])
        axes.set_xticks(range(len(metrics)), [metric_label(m).replace(" ", "\n") for m in metrics])
        axes.set_xlim(-0.6, len(metrics) - 0.4)
        axes.tick_params(labelleft=True)
        axes.margins(y=0.1)
        axes.set_ylabel("value")
        folds = count(of_setting["fold"].nunique(), noun)
        axes.set_title(f"{literal(str(setting), 50)}: {folds}" if setting else folds, fontsize=10)
        tidy(axes)
        axes.grid(visible=False, axis="x")
    hide_rest(grid, len(settings))
    figure.legend(
        handles=fold_keys(bool(len(pooled)), noun),
        loc="outside lower center",
        ncols=3 if columns > 1 else 2,
        frameon=False,
        fontsize=9,
    )
    return figure
