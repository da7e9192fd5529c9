"""Regions of a slide that were called positive: size, labelled share and mean score."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from idc.plots.slide_panels import NARROW
from idc.plots.style import BLACK, BLUE, GREY, ORANGE, literal, new_figure, note_empty, tidy
from idc.text import count

WIDTH = 9.5  # inches
ROW = 0.24
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
    figure = new_figure(WIDTH, 1.9 + ROW * max(len(shown), 3))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2.2, 1])
    whole = f"{count(len(table), 'region')} called {name}"
    if len(table) > MAX_SHOWN:
        left_out = int(table["patches"][MAX_SHOWN:].sum())
        whole += f", the {MAX_SHOWN} largest; the others have {count(left_out, 'patch', 'patches')}"
    figure.suptitle(f"{literal(patient)}: {whole}", fontsize=11)
    if table.empty:
        for axes in (left, right):
            axes.set_axis_off()
        note_empty(left, "no region was called positive")
        return figure
    at = np.arange(len(shown))
    _draw_sizes(left, shown, name)
    right.plot(shown["mean_score"], at, "o", color=BLUE, markersize=5)
    if threshold is not None:
        right.axvline(threshold, color=BLACK, linewidth=1.1, linestyle=(0, (5, 2)))
        right.set_title(f"dashed: threshold {threshold:.3g}", fontsize=8.5)
    right.set_xlabel(f"mean probability of {name}")
    values = [*shown["mean_score"], *([] if threshold is None else [threshold])]
    if max(values) - min(values) >= NARROW:
        right.set_xlim(-0.02, 1.02)
    right.xaxis.set_major_locator(MaxNLocator(3))
    right.ticklabel_format(axis="x", useOffset=False)
    left.set_yticks(at, [f"{number}" for number in shown["region"]], fontsize=8)
    left.set_ylim(len(shown) - 0.4, -0.6)
    left.set_ylabel("region, as numbered on the slide map")
    for axes in (left, right):
        tidy(axes)
        axes.grid(visible=False, axis="y")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _draw_sizes(axes: Axes, shown: pd.DataFrame, name: str) -> None:
    at, patches = np.arange(len(shown)), shown["patches"].to_numpy(np.float64)
    right = patches * shown["labelled"].to_numpy(np.float64)
    axes.barh(at, right, height=0.75, color=ORANGE, label=f"labelled {name}")
    axes.barh(
        at,
        patches - right,
        left=right,
        height=0.75,
        color="#e8e8e8",
        edgecolor=GREY,
        hatch="////",
        linewidth=0.5,
        label=f"not labelled {name}",
    )
    for place, row in enumerate(shown.to_dict("records")):
        axes.annotate(
            f"{row['patches']:,}, {row['labelled']:.0%} of them labelled {name}"
            if not place
            else f"{row['patches']:,}, {row['labelled']:.0%}",
            (row["patches"], place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_xlim(0, 1.25 * patches.max())
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("patches")
