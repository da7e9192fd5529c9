"""What smoothing over neighbouring patches would do: to the metrics, and to one slide."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from idc.plots.mosaic import on_grid
from idc.plots.slide import draw_outline
from idc.plots.slide_maps import SlideMaps, draw_truth
from idc.plots.slide_panels import UNKNOWN, Kind, draw_kinds, draw_scores, ground_key
from idc.plots.slide_sheet import open_sheet
from idc.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, YELLOW, literal, new_figure, tidy
from idc.text import count, metric_words

METRICS = {
    "log_loss": "log loss\n(lower is better)",
    "auroc": "",
    "average_precision": "average\nprecision",
    "f1": "",
    "recall": "",
    "specificity": "",
}
KINDS = {
    "median": ("median", "reach, patches"),
    "mean": ("Gaussian mean of log odds", "deviation, patches"),
    "crf": ("random field", "pull of a neighbour, log odds"),
    "crf_contrast": ("random field, by colour", "pull of a neighbour, log odds"),
}
INTERVALS = {"log_loss": "", "recall": "recall_"}  # metrics whose difference has an interval
TRUTH, BEFORE, AFTER, CHANGE = range(4)  # panels


def smoothing_figure(table: pd.DataFrame, patients: int, run: str = "") -> Figure:
    """Validation metrics against the strength of each smoother, beside those without smoothing.

    Args:
        table: As `idc.slides.smoothing.effect_of_smoothing` gives it.
        patients: Patients of the validation split.
        run: Name of the run, for the title.
    """
    base = table[table["smoother"] == "none"].iloc[0]
    tried = table[table["smoother"] != "none"]
    kinds = list(dict.fromkeys(tried["smoother"]))
    figure = new_figure(1.2 + 2.5 * max(len(kinds), 2), 1.5 + 1.25 * len(METRICS))
    start = f"{literal(run)}: " if run else ""
    figure.suptitle(
        f"{start}smoothing over neighbours, on validation ({count(patients, 'patient')})\n"
        "not applied: what it would change",
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
        grid[row, 0].set_ylabel(words or metric_words(metric), fontsize=9)
    figure.legend(
        handles=_keys(table), loc="outside lower center", ncols=3, frameon=False, fontsize=9
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
        if metric != "log_loss":  # shares, which no interval can leave
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


def smoothed_map_figure(
    maps: SlideMaps,
    smoothed: NDArray[np.floating],
    thresholds: tuple[float, float],
    patient: str,
    smoother: str,
    class_names: tuple[str, str] = ("negative", "positive"),
) -> Figure:
    """One slide before and after smoothing, and the decisions that it would change.

    Args:
        maps: The slide of a two-class run; its scores are those without smoothing.
        smoothed: Smoothed scores, float (n,) in [0, 1].
        thresholds: Without and with smoothing: ``score >= threshold`` is positive.
        patient: For the title.
        smoother: The smoother in words, for the title.
        class_names: Of class 0 and 1.
    """
    places, names = maps.places, [literal(name, 24) for name in class_names]
    sheet = open_sheet(4, {BEFORE, AFTER}, places)
    keys = draw_truth(sheet, TRUTH, maps, names)
    before, after = (
        np.asarray(x, np.float64) >= cut
        for x, cut in zip((maps.scores, smoothed), thresholds, strict=True)
    )
    splits = (
        (BEFORE, "without smoothing", maps.scores, before, thresholds[0]),
        (AFTER, "with smoothing", smoothed, after, thresholds[1]),
    )
    both = np.concatenate([maps.scores, smoothed, thresholds])
    ends = (float(both.min()), float(both.max()))  # so that the two splits compare
    for panel, title, scores, called, threshold in splits:
        grid = on_grid(np.asarray(scores, np.float64), places, np.nan)
        draw_scores(sheet, panel, grid, places, f"probability of {names[1]}", threshold, ends)
        inside = on_grid(called, places, 0)
        draw_outline(sheet.panels[panel], inside, places, BLACK, 0.8 * sheet.line)
        sheet.name(panel, title, f"{int(called.sum()):,} called {names[1]}")
    looks = [
        Kind("decided alike", BLUE, 0.0),
        Kind("false alarm that would go", BLUE, 0.5),
        Kind("false alarm that would come", YELLOW, 0.6, "///"),
        Kind(f"{names[1]} that would be found", GREEN, 0.7),
        Kind(f"{names[1]} that would be missed", ORANGE, 1.0, "xxxx", ORANGE, BLACK),
    ]
    kinds = np.where(maps.labels == 1, np.where(after, 3, 4), np.where(after, 2, 1))
    kinds = np.where(before == after, 0, kinds)
    kinds = np.where(maps.labels < 0, len(looks), kinds)
    changed = on_grid(kinds, places, -1)
    found = draw_kinds(sheet, CHANGE, maps.tissue, changed, [*looks, UNKNOWN], places)
    keys += found[:-1] if (changed == len(looks)).any() else found  # the truth has that key
    lost, won = (int((kinds == kind).sum()) for kind in (4, 3))
    sheet.name(CHANGE, "decisions that would change", f"{lost:,} more missed, {won:,} more found")
    keys.append(Line2D([], [], color=BLACK, linewidth=1.2, label=f"called {names[1]}"))
    title = f"{literal(patient)}: {literal(smoother)}, not applied"
    return sheet.close(title, [*keys, ground_key()])
