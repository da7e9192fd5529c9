"""Error rate and recall of slices of patches, with those worse than the rest."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from idc.plots.style import BLACK, BLUE, GREY, ORANGE, literal, new_figure, note_empty, tidy
from idc.text import count

MAX_SHOWN = 60  # rows
ALL = "all"
# Metric, label of its axis, column of its marks and their label.
PANELS = (
    ("error_rate", "share of wrong decisions", "worse", "worse"),
    ("recall", "recall", "misses_more", "misses more"),
)


def slices_figure(table: pd.DataFrame, title: str = "Slices of the test patches") -> Figure:
    """Error rate and, for two classes, recall of each slice with 95 % intervals.

    Args:
        table: One row per slice, from `idc.metrics.slice_table.slice_table`: ``slice``,
            ``value``, ``patches``, ``patients``, ``error_rate``, ``error_rate_ci_low``,
            ``error_rate_ci_high``, ``worse``, and for two classes the same for ``recall`` with
            ``misses_more``. The row ``all`` gives the reference line.
        title: Title of the figure.
    """
    panels = [panel for panel in PANELS if panel[0] in table]
    rows = table.head(MAX_SHOWN)
    figure = new_figure(3.4 + 3.4 * max(len(panels), 1), max(2.2, 0.36 * len(rows) + 1.5))
    cut = f" (the first {MAX_SHOWN} of {len(table):,})" if len(table) > MAX_SHOWN else ""
    figure.suptitle(f"{literal(title, 80)}{cut}", fontsize=12)
    grid = figure.subplots(1, max(len(panels), 1), sharey=True, squeeze=False).ravel()
    if rows.empty or not panels:
        for axes in grid:
            axes.set_axis_off()
        note_empty(grid[0], "no slices")
        return figure
    for axes, panel in zip(grid, panels, strict=True):
        _draw(axes, rows, *panel)
    starts = np.flatnonzero(rows["slice"].to_numpy()[1:] != rows["slice"].to_numpy()[:-1]) + 0.5
    for axes in grid:
        axes.tick_params(axis="y", left=False)
        axes.hlines(
            starts,
            0,
            1,
            transform=axes.get_yaxis_transform(),
            color="#bbbbbb",
            linewidth=0.8,
            zorder=0,
        )
    grid[0].set_yticks(
        np.arange(len(rows)), [_name(row) for row in rows.to_dict("records")], fontsize=8
    )
    grid[0].set_ylim(len(rows) - 0.4, -0.6)
    keys: dict[str, Any] = {}
    for axes in grid:
        handles, labels = axes.get_legend_handles_labels()
        keys |= dict(zip(labels, handles, strict=True))
    figure.legend(
        list(keys.values()),
        list(keys),
        loc="outside lower center",
        ncols=len(keys),
        frameon=False,
        fontsize=9,
    )
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, name: str, label: str, mark: str, word: str) -> None:
    values = rows[name].to_numpy(np.float64)
    low, high = (rows[f"{name}_ci_{end}"].to_numpy(np.float64) for end in ("low", "high"))
    places = np.arange(len(rows))
    marked = rows[mark].to_numpy(bool)
    whole = (rows["slice"] == ALL).to_numpy()
    for value in values[whole]:
        if np.isfinite(value):
            axes.axvline(value, color=GREY, linestyle=":", linewidth=1.2, zorder=1)
    for chosen, colour, marker, text in (
        (whole, BLACK, "D", "all patches"),
        (~whole & ~marked, BLUE, "o", "slice, with 95 % interval"),
        (~whole & marked, ORANGE, "s", "significantly worse than all other patches"),
    ):
        if not chosen.any():
            continue
        axes.errorbar(
            values[chosen],
            places[chosen],
            xerr=[
                np.maximum(values - low, 0)[chosen],
                np.maximum(high - values, 0)[chosen],
            ],
            fmt=marker,
            color=colour,
            markersize=6,
            capsize=3,
            linewidth=1.3,
            label=text,
        )
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    for place in places[marked]:
        axes.text(
            1.015,
            place,
            word,
            transform=beside,
            va="center",
            fontsize=8,
            color=ORANGE,
            weight="bold",
        )
    for place in places[~np.isfinite(values)]:
        axes.text(
            0.5,
            place,
            "not defined",
            transform=beside,
            va="center",
            ha="center",
            fontsize=8,
            color=GREY,
        )
    drawn = np.concatenate([low, high, values])
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn):
        margin = 0.06 * max(float(np.ptp(drawn)), 0.05)
        axes.set_xlim(max(drawn.min() - margin, -0.02), min(drawn.max() + margin, 1.02))
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    tidy(axes)
    axes.grid(visible=False, axis="y")


def _name(row: Mapping[Any, Any]) -> str:
    kind, value = literal(str(row["slice"]), 24), literal(str(row["value"]), 32)
    counts = f"{count(row['patches'], 'patch', 'patches')}, {count(row['patients'], 'patient')}"
    return f"{value if row['slice'] == ALL else f'{kind}: {value}'}\n{counts}"
