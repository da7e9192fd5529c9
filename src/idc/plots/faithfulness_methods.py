"""Methods side by side: what is measured of each, for one model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idc.plots.faithfulness_marks import (
    BASELINES,
    MARKS,
    NAME,
    mark_of,
    note_empty_figure,
    references_of,
)
from idc.plots.style import (
    BLACK,
    GREY,
    literal,
    new_figure,
    tidy,
)

HIGHEST = "highest with half of the layers shuffled or more"


@dataclass(frozen=True)
class Small:
    """A further value in a panel: its column, marker, filling and meaning."""

    column: str
    marker: str
    face: str
    meaning: str


@dataclass(frozen=True)
class Panel:
    """One measure of `methods_figure`.

    Attributes:
        column: Its column in the table.
        title: What it is, and which end is better.
        low: Column of the interval's lower end, if it has one.
        high: Column of the upper end.
        ends: What the axis shows, where the values have a known range.
        line: What the values are held against, if anything.
        chance: Column of a level a row, if it has one.
        small: What else is drawn, small and above the row.
    """

    column: str
    title: str
    low: str = ""
    high: str = ""
    ends: tuple[float, float | None] | None = None
    line: float | None = None
    chance: str = ""
    small: tuple[Small, ...] = ()


def _reference_marks(table: pd.DataFrame) -> tuple[Small, ...]:
    """The gain with each of several baselines."""
    names = references_of(table)
    marks = [(name, *BASELINES[name]) for name in names if len(names) > 1]
    return tuple(
        Small(f"drop_over_random_{name}", marker, face, f"gain with {name}")
        for name, marker, face in marks
    )


def panels_of(table: pd.DataFrame, limit: float) -> list[Panel]:
    """The measures that are known of at least one method.

    Args:
        table: See `methods_figure`.
        limit: Of the weights check.
    """
    panels = [
        Panel(
            "drop_over_random",
            "gain over random maps\n(AUC; right is better)",
            "drop_over_random_low",
            "drop_over_random_high",
            line=0.0,
            small=_reference_marks(table),
        ),
        Panel(
            "randomisation_similarity",
            "similarity, weights shuffled\n(left of the line passes)",
            "randomisation_low",
            "randomisation_high",
            line=limit,
            small=(Small("randomisation_highest", "d", GREY, HIGHEST),),
        ),
        Panel(
            "infidelity_share",
            "infidelity, share of the\nlogit's change (left is better)",
            ends=(0, 1),
        ),
        Panel("max_sensitivity", "max-sensitivity\n(left is steadier)", ends=(0, None)),
        Panel(
            "border_mass",
            "share on the patch's edge\n(far right of chance: padding?)",
            ends=(0, None),
            chance="border_area",
        ),
        Panel(
            "pointing_game",
            "pointing game, hits\n(right is better)",
            ends=(0, 1),
            chance="pointing_chance",
        ),
        Panel(
            "localisation",
            "localisation, pixel AUROC\n(right is better)",
            ends=(0, 1),
            line=0.5,
        ),
    ]
    return [p for p in panels if p.column in table and np.isfinite(table[p.column]).any()]


def methods_figure(table: pd.DataFrame, limit: float, title: str = "") -> Figure:
    """A row a method, a panel a measure; the marks tell the verdicts.

    Args:
        table: A row a method, best first: ``method``, ``verdict`` (a key of `MARKS`),
            ``drop_over_random`` and ``randomisation_similarity`` with ``_low`` and ``_high``, and,
            where known, ``drop_over_random_<baseline>`` (a key of `BASELINES`),
            ``randomisation_highest``, ``infidelity_share``, ``max_sensitivity``, ``border_mass``
            with ``border_area``, ``pointing_game`` with ``pointing_chance``, ``localisation``.
        limit: Of the similarity with all weights shuffled.
        title: The figure's title.
    """
    panels = panels_of(table, limit)
    figure = new_figure(2.1 * max(len(panels), 1) + 3.2, 0.42 * len(table) + 2.2)
    if table.empty or not panels:
        note_empty_figure(figure, "no method was measured")
        return figure
    rows = table.to_dict("records")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=True):
        _draw_panel(axes, panel, rows)
    names = [f"{literal(str(row['method']), NAME)}  {mark_of(row).sign}" for row in rows]
    grid[0].set_yticks(range(len(rows)), names)
    grid[0].set_ylim(len(rows) - 0.5, -0.7)
    figure.suptitle(title or "How faithful the methods are to this model", fontsize=11)
    figure.legend(
        handles=_handles(rows, panels),
        loc="outside lower center",
        ncols=3,
        frameon=False,
        fontsize=8.5,
    )
    return figure


def _draw_panel(axes: Axes, panel: Panel, rows: Sequence[Mapping[Any, Any]]) -> None:
    """A measure of all methods."""
    if panel.line is not None:
        axes.axvline(panel.line, color=BLACK, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
    for place, row in enumerate(rows):
        mark, value = mark_of(row), float(row[panel.column])
        if panel.chance and np.isfinite(row[panel.chance]):
            axes.plot([row[panel.chance]] * 2, [place - 0.3, place + 0.3], color=BLACK, lw=1.2)
        for small in panel.small:
            if np.isfinite(row.get(small.column, np.nan)):
                axes.plot(row[small.column], place - 0.3, **_small_look(small))
        if not np.isfinite(value):
            axes.text(
                0.5,
                place,
                "unknown",
                transform=axes.get_yaxis_transform(),
                ha="center",
                va="center",
                color=GREY,
                fontsize=8,
            )
            continue
        if panel.low and np.isfinite([row[panel.low], row[panel.high]]).all():
            axes.plot([row[panel.low], row[panel.high]], [place] * 2, color=mark.colour, lw=2)
        axes.plot(
            value,
            place,
            mark.marker,
            color=mark.colour,
            markerfacecolor=mark.face,
            markersize=7,
            zorder=3,
        )
    axes.set_title(panel.title, fontsize=8.5)
    axes.margins(x=0.12)
    if panel.ends:
        left, right = panel.ends
        right = 1.12 * axes.dataLim.x1 if right is None else right
        axes.set_xlim(left - 0.05 * right, 1.05 * right)
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="x", labelsize=8)
    tidy(axes)


def _small_look(small: Small) -> dict[str, Any]:
    return {
        "marker": small.marker,
        "color": BLACK,
        "markerfacecolor": small.face,
        "markeredgewidth": 0.6,
        "markersize": 4.5,
        "linestyle": "",
    }


def _handles(rows: Sequence[Mapping[Any, Any]], panels: Sequence[Panel]) -> list[Line2D]:
    """What the marks and lines mean; only those that occur."""
    seen = {row["verdict"] for row in rows}
    handles = [
        Line2D(
            [],
            [],
            marker=mark.marker,
            color=mark.colour,
            markerfacecolor=mark.face,
            linestyle="",
            label=f"{mark.sign} {verdict}",
        )
        for verdict, mark in MARKS.items()
        if verdict in seen
    ]
    handles.append(Line2D([], [], color=GREY, lw=2, label="95 % interval over patients"))
    handles.append(
        Line2D([], [], color=BLACK, lw=1, linestyle=(0, (4, 2)), label="no gain, limit or chance")
    )
    handles += [
        Line2D([], [], label=small.meaning, **_small_look(small))
        for panel in panels
        for small in panel.small
        if any(np.isfinite(row.get(small.column, np.nan)) for row in rows)
    ]
    if any(panel.chance for panel in panels):
        handles.append(
            Line2D([], [], color=BLACK, marker="|", markersize=9, linestyle="", label="by chance")
        )
    return handles
