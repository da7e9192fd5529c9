"""Regions of a slide that were called positive: size, labelled share and mean score."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from idc.plots.style import BLACK, BLUE, GREY, ORANGE, empty_figure, literal, new_figure
from idc.text import count

ROW = 0.24  # inches
MAX_SHOWN = 40  # regions


def region_burden_figure(
    table: pd.DataFrame, patient: str, positive: str = "positive", threshold: float | None = None
) -> Figure:
    """One bar per called region, largest first, with its number of patches and mean score.

    Args:
        table: One row per region: ``region`` (its number on the slide map), ``patches``,
            ``mean_score`` in [0, 1] and ``labelled`` (share of its patches labelled positive); see
            `idc.slides.positive_regions.call_regions`.
        patient: Name of the patient, for the title.
        positive: Name of the positive class.
        threshold: ``score >= threshold`` was called positive; None if unknown.
    """
    table = table.sort_values(["patches", "region"], ascending=[False, True], ignore_index=True)
    shown, name = table.head(MAX_SHOWN), literal(positive, 24)
    title = f"{literal(patient)}: {count(len(table), 'region')} called {name}"
    if len(table) > MAX_SHOWN:
        left_out = count(int(table["patches"][MAX_SHOWN:].sum()), "patch", "patches")
        title += f", the {MAX_SHOWN} largest; the others have {left_out}"
    if table.empty:
        return empty_figure("no region was called positive", title)
    figure = new_figure(9.5, 1.9 + ROW * max(len(shown), 5))
    figure.suptitle(title)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2.2, 1])
    at, patches = np.arange(len(shown)), shown["patches"].to_numpy(np.float64)
    labelled = patches * shown["labelled"].to_numpy(np.float64)
    left.barh(at, labelled, color=ORANGE, label=f"labelled {name}")
    bars = left.barh(
        at,
        patches - labelled,
        left=labelled,
        color="#e8e8e8",
        edgecolor=GREY,
        hatch="////",
        linewidth=0.5,
        label=f"not labelled {name}",
    )
    texts = [f"{n:,.0f}, {s:.0%}" for n, s in zip(patches, shown["labelled"], strict=True)]
    left.bar_label(bars, texts, padding=4, fontsize=8)
    left.set(xlim=(0, 1.2 * patches.max()), xlabel=f"patches, and the share labelled {name}")
    left.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    left.set_yticks(at, [f"{number}" for number in shown["region"]])
    left.set(ylim=(len(shown) - 0.4, -0.6), ylabel="region on the slide map")
    right.plot(shown["mean_score"], at, "o", color=BLUE, markersize=5)
    if threshold is not None:
        line = f"threshold {threshold:.3g}"
        right.axvline(threshold, color=BLACK, linewidth=1.1, linestyle=(0, (5, 2)), label=line)
    right.set_xlabel(f"mean probability of {name}")
    right.xaxis.set_major_locator(MaxNLocator(3))
    right.ticklabel_format(axis="x", useOffset=False)
    for axes in (left, right):
        axes.grid(visible=False, axis="y")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
