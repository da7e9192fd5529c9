"""Cross-validation: how training went in every fold, and what the folds are worth."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from idc.plots.fold_marks import (
    course_keys,
    draw_courses,
    draw_folds,
    draw_pooled,
    fold_keys,
    mark_best,
)
from idc.plots.style import hide_rest, literal, new_figure, note_empty, tidy, wrap_grid
from idc.text import count, metric_words

SHOWN = ("loss", "f1", "recall", "auroc")


def fold_learning_figure(
    histories: Mapping[str, pd.DataFrame],
    metrics: Sequence[str] = SHOWN,
    monitor: str = "",
    mode: str = "max",
) -> Figure:
    """A panel a metric: a thin curve a fold (validation), and medians over the folds.

    Folds stop at different epochs; a median is drawn as far as half of the folds went.

    Args:
        histories: Name of a fold to its course in long form: ``epoch`` (int, from 1), ``stage``
            (train or val), ``metric``, ``value``.
        metrics: What to show; those that no fold has are left out.
        monitor: The metric, such as ``val/f1``, whose best epoch is marked in each fold.
        mode: ``max`` or ``min``: what the best is.
    """
    parts = [frame.assign(fold=str(name)) for name, frame in histories.items()]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["metric"])
    known = [metric for metric in metrics if (whole["metric"] == metric).any()]
    rows, columns = wrap_grid(max(len(known), 1), 2)
    figure = new_figure(4.4 * columns, 3.1 * rows + 0.9)
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    if not known:
        grid[0].set_axis_off()
        note_empty(grid[0], "no fold has a course")
        return figure
    stage, _, monitored = monitor.rpartition("/")
    for axes, metric in zip(grid, known, strict=False):
        tables = {
            str(split): of_split.pivot_table(index="epoch", columns="fold", values="value")
            for split, of_split in whole[whole["metric"] == metric].groupby("stage")
        }
        draw_courses(axes, tables)
        if metric == monitored and (stage or "val") in tables:
            mark_best(axes, tables[stage or "val"], mode)
        axes.set(xlabel="epoch", ylabel=metric_words(metric))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        tidy(axes)
    hide_rest(grid, len(known))
    figure.legend(
        handles=course_keys(monitored if monitored in known else ""),
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
    """A dot a fold, the folds' mean and spread, and the pooled value with its interval.

    The mean of the folds and the pooled value differ, for F1 above all: folds with few patches, or
    of one class, count as much as others in the mean.

    Args:
        table: A row a fold (or patient) and metric: ``fold``, ``metric``, ``value`` and, if there
            are several, ``setting``; NaN where a fold lacks a class. Panels and metrics stand in
            their order.
        pooled: A row a metric: ``metric``, ``value``, ``low``, ``high``, over the predictions of
            all folds together, and ``setting`` if `table` has it.
        noun: What a dot is: ``fold``, or ``patient``.
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
        note_empty(grid[0], f"there are no {noun}s")
        return figure
    for axes, setting in zip(grid, settings, strict=False):
        mine, whole = table[table["setting"] == setting], pooled[pooled["setting"] == setting]
        for place, metric in enumerate(metrics):
            draw_folds(axes, place, mine[mine["metric"] == metric])
            draw_pooled(axes, place, whole[whole["metric"] == metric])
        axes.set_xticks(range(len(metrics)), [metric_words(m).replace(" ", "\n") for m in metrics])
        axes.set_xlim(-0.6, len(metrics) - 0.4)
        axes.tick_params(labelleft=True)
        axes.margins(y=0.1)
        axes.set_ylabel("value")
        folds = count(mine["fold"].nunique(), noun)
        axes.set_title(f"{literal(str(setting), 50)}: {folds}" if setting else folds, fontsize=10)
        tidy(axes)
        axes.grid(visible=False, axis="x")
    hide_rest(grid, len(settings))
    figure.legend(
        handles=fold_keys(bool(len(pooled)), noun),
        loc="outside lower center",
        ncols=3,
        frameon=False,
        fontsize=9,
    )
    return figure
