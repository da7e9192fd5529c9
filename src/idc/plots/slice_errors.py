"""Error rate and recall of slices of patches, with those worse than the rest."""

from collections.abc import Mapping
from typing import Any

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
    Look,
    empty_figure,
    legend_below,
    literal,
    new_figure,
)
from idc.text import count

MAX_SHOWN = 60  # rows
ALL = "all"
# Metric to the label of its axis, and the column and words of slices that are worse.
PANELS = {
    "error_rate": ("share of wrong decisions", "worse", "worse"),
    "recall": ("recall", "misses_more", "misses more"),
}


def slices_figure(table: pd.DataFrame) -> Figure:
    """Error rate and, for two classes, recall of each slice with 95 % intervals.

    The table is from `idc.metrics.slice_table.slice_table`; its row ``all`` is the reference line.
    """
    panels = [name for name in PANELS if name in table]
    rows = table.head(MAX_SHOWN)
    cut = f" (the first {MAX_SHOWN} of {len(table):,})" if len(table) > MAX_SHOWN else ""
    title = f"Slices of the test patches{cut}"
    if rows.empty or not panels:
        return empty_figure("no slices", title)
    figure = new_figure(3.4 + 3.4 * len(panels), max(2.2, 0.36 * len(rows) + 1.5))
    figure.suptitle(title)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False).ravel()
    kinds = rows["slice"].to_numpy()
    for axes, name in zip(grid, panels, strict=True):
        _draw(axes, rows, name)
        for start in np.flatnonzero(kinds[1:] != kinds[:-1]) + 0.5:
            axes.axhline(start, color="#bbbbbb", linewidth=0.8, zorder=0)
    names = [_name(row) for row in rows.to_dict("records")]
    grid[0].set_yticks(np.arange(len(rows)), names, fontsize=8)
    grid[0].set_ylim(len(rows) - 0.4, -0.6)
    legend_below(figure, list(grid), 3)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    label, mark, word = PANELS[name]
    values, low, high = (
        rows[f"{name}{end}"].to_numpy(np.float64) for end in ("", "_ci_low", "_ci_high")
    )
    places, marked = np.arange(len(rows)), rows[mark].to_numpy(bool)
    whole = (rows["slice"] == ALL).to_numpy()
    for value in values[whole & np.isfinite(values)]:
        axes.axvline(value, color=GREY, linestyle=":", linewidth=1.2, zorder=1)
    whiskers = np.maximum([values - low, high - values], 0)
    for chosen, colour, marker, text in (
        (whole, BLACK, "D", "all patches"),
        (~whole & ~marked, BLUE, "o", "slice, with 95 % interval"),
        (~whole & marked, ORANGE, "s", "significantly worse than all other patches"),
    ):
        if chosen.any():
            look: Look = {"fmt": marker, "color": colour, "linewidth": 1.3, "label": text}
            axes.errorbar(values[chosen], places[chosen], xerr=whiskers[:, chosen], **look)
    at_row = axes.get_yaxis_transform()
    for place in places[marked]:
        look = {"color": ORANGE, "weight": "bold"}
        axes.text(1.015, place, word, transform=at_row, va="center", fontsize=8, **look)
    for place in places[~np.isfinite(values)]:
        look = {"color": GREY, "ha": "center"}
        axes.text(0.5, place, "not defined", transform=at_row, va="center", fontsize=8, **look)
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", left=False)


def _name(row: Mapping[Any, Any]) -> str:
    kind, value = literal(str(row["slice"]), 24), literal(str(row["value"]), 32)
    counts = f"{count(row['patches'], 'patch', 'patches')}, {count(row['patients'], 'patient')}"
    return f"{value if row['slice'] == ALL else f'{kind}: {value}'}\n{counts}"
