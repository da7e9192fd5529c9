"""Effect of smoothing over neighbouring patches on the validation metrics."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from idc.plots.style import BLACK, BLUE, GREY, ORANGE, literal, new_figure, tidy
from idc.text import count, metric_label

METRICS = {
    "log_loss": "log loss\n(lower is better)",
    "auroc": "",
    "average_precision": "average\nprecision",
    "f1": "",
    "recall": "",
    "specificity": "",
}
KINDS = {
    "median": ("median", "radius, patches"),
    "mean": ("Gaussian mean of log-odds", "deviation, patches"),
    "crf": ("random field", "coupling, log-odds"),
    "crf_contrast": ("random field, by colour", "coupling, log-odds"),
}
INTERVALS = {"log_loss": "", "recall": "recall_"}  # metrics whose difference has an interval


def smoothing_figure(table: pd.DataFrame, patients: int, run: str = "") -> Figure:
    """Validation metrics against the strength of each smoother, compared with no smoothing.

    Args:
        table: From `idc.slides.smoothing.effect_of_smoothing`.
        patients: Number of patients of the validation split.
        run: Name of the run, for the title.
    """
    base = table[table["smoother"] == "none"].iloc[0]
    tried = table[table["smoother"] != "none"]
    kinds = list(dict.fromkeys(tried["smoother"]))
    figure = new_figure(1.2 + 2.5 * max(len(kinds), 2), 1.5 + 1.25 * len(METRICS))
    start = f"{literal(run)}: " if run else ""
    figure.suptitle(
        f"{start}effect of smoothing over neighbours (not applied)\n"
        f"on validation, {count(patients, 'patient')}",
        fontsize=11,
    )
    grid = figure.subplots(len(METRICS), len(kinds), sharey="row", squeeze=False)
    for column, kind in enumerate(kinds):
        rows = tried[tried["smoother"] == kind].sort_values("strength")
        words, strength = KINDS.get(kind, (literal(kind), "strength"))
        grid[0, column].set_title(words, fontsize=10)
        grid[-1, column].set_xlabel(strength, fontsize=9)
        for row, metric in enumerate(METRICS):
            _draw_metric(grid[row, column], rows, base, metric)
            grid[row, column].tick_params(labelbottom=row == len(METRICS) - 1)
    for row, (metric, words) in enumerate(METRICS.items()):
        grid[row, 0].set_ylabel(words or metric_label(metric), fontsize=9)
    figure.legend(
        handles=_keys(table),
        loc="outside lower center",
        ncols=3 if len(kinds) > 2 else 2,
        frameon=False,
        fontsize=9,
    )
    return figure


def _draw_metric(axes: Axes, rows: pd.DataFrame, base: "pd.Series[float]", metric: str) -> None:
    at = np.arange(len(rows))
    values = rows[f"val/{metric}"].to_numpy(np.float64)
    without = float(base[f"val/{metric}"])
    axes.axhline(without, color=BLACK, linewidth=1.2, linestyle=(0, (5, 2)))
    if metric in INTERVALS:
        low, high = (
            without + rows[f"{INTERVALS[metric]}{end}"].to_numpy(np.float64)
            for end in ("low", "high")
        )
        if metric != "log_loss":  # shares lie in [0, 1]
            low, high = low.clip(0, 1), high.clip(0, 1)
        axes.vlines(at, low, high, color=BLUE, alpha=0.45, linewidth=2.2)
    axes.plot(at, values, "o-", color=BLUE, markersize=4.5, linewidth=1.4)
    chosen = rows["chosen"].to_numpy(bool)
    axes.plot(
        at[chosen],
        values[chosen],
        "s",
        markersize=10,
        markerfacecolor="none",
        markeredgecolor=ORANGE,
        markeredgewidth=1.8,
    )
    axes.set_xticks(at, [f"{x:g}" for x in rows["strength"]], fontsize=8)
    axes.set_xlim(-0.5, len(rows) - 0.5)
    axes.margins(y=0.15)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="y", labelsize=8)
    tidy(axes)
    if not np.isfinite(values).any() and not np.isfinite(without):
        axes.text(0.5, 0.5, "undefined", transform=axes.transAxes, ha="center", color=GREY)


def _keys(table: pd.DataFrame) -> list[Line2D]:
    keys = [Line2D([], [], color=BLACK, linestyle=(0, (5, 2)), label="no smoothing")]
    if table["chosen"].any():
        label = "lowest validation log loss"
        square = Line2D([], [], marker="s", markersize=9, linestyle="", label=label)
        square.set(markerfacecolor="none", markeredgecolor=ORANGE)
        keys.append(square)
    if np.isfinite(table["low"]).any():
        label = "interval of the difference, over patients"
        keys.append(Line2D([], [], color=BLUE, alpha=0.45, linewidth=2.2, label=label))
    return keys
