"""Learning curves of a training run."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from idc.plots.style import BLACK, STAGES, hide_rest, new_figure, tidy, wrap_grid
from idc.text import metric_label

SHOWN = ("loss", "f1", "recall", "precision", "accuracy")
MARKERS = {"train": "s", "val": "o"}
DASHES = {"train": "--", "val": "-"}


def learning_figure(
    history: pd.DataFrame,
    metrics: Sequence[str] = SHOWN,
    best_epoch: int | None = None,
    monitor: str = "",
) -> Figure:
    """One panel per metric: training and validation by epoch, with the best epoch.

    Args:
        history: Long form with ``epoch`` (from 1), ``stage`` (train or val), ``metric``, ``value``.
        metrics: Metrics to show.
        best_epoch: Epoch of the best checkpoint, or None.
        monitor: Metric that selected it.
    """
    rows, columns = wrap_grid(len(metrics), 3)
    figure = new_figure(3.6 * columns, 2.9 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, metric in zip(grid, metrics, strict=False):
        of_metric = history[history["metric"] == metric]
        for stage, part in of_metric.groupby("stage", sort=True):
            part = part.sort_values("epoch")
            axes.plot(
                part["epoch"],
                part["value"],
                color=STAGES[str(stage)],
                linestyle=DASHES[str(stage)],
                marker=MARKERS[str(stage)],
                markersize=4,
                label="training" if stage == "train" else "validation",
            )
        if best_epoch is not None:
            axes.axvline(best_epoch, color=BLACK, linewidth=1, linestyle=":")
        axes.set(xlabel="epoch", ylabel=metric_label(metric))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        tidy(axes)
    hide_rest(grid, len(metrics))
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    if best_epoch is not None:
        figure.suptitle(f"best {monitor} in epoch {best_epoch} (dotted)", fontsize=11)
    return figure
