"""Learning curves of a training run."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from idc.plots.style import BLACK, STAGES, Look, hide_rest, legend_below, new_figure, wrap_grid
from idc.text import metric_label

SHOWN = ("loss", "f1", "recall", "precision", "accuracy")
LOOKS = {
    "train": {"linestyle": "--", "marker": "s", "label": "training"},
    "val": {"linestyle": "-", "marker": "o", "label": "validation"},
}


def learning_figure(
    history: pd.DataFrame, best_epoch: int | None = None, monitor: str = ""
) -> Figure:
    """One panel per metric: training and validation by epoch, with the best epoch by `monitor`.

    `history` has ``epoch`` (from 1), ``stage`` (train or val), ``metric`` and ``value``.
    """
    rows, columns = wrap_grid(len(SHOWN), 3)
    figure = new_figure(3.6 * columns, 2.9 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, metric in zip(grid, SHOWN, strict=False):
        for stage, part in history[history["metric"] == metric].groupby("stage", sort=True):
            part = part.sort_values("epoch")
            look: Look = {"color": STAGES[str(stage)], "markersize": 4, **LOOKS[str(stage)]}
            axes.plot(part["epoch"], part["value"], **look)
        if best_epoch is not None:
            axes.axvline(best_epoch, color=BLACK, linewidth=1, linestyle=":")
        axes.set(xlabel="epoch", ylabel=metric_label(metric))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    hide_rest(grid, len(SHOWN))
    legend_below(figure, grid[:1])
    if best_epoch is not None:
        figure.suptitle(f"best {monitor} in epoch {best_epoch} (dotted)")
    return figure
