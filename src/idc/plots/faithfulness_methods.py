"""Faithfulness measures of attribution methods for one model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idc.plots.faithfulness_marks import (
    MARKS,
    NAME,
    REFERENCES,
    mark_of,
    note_empty_figure,
    references_of,
)
from idc.plots.style import (
    BLACK,
    GREY,
    literal,
    mark_unknown,
    new_figure,
    tidy,
)

HIGHEST = "highest with at least half of the layers shuffled"


@dataclass(frozen=True)
class Small:
    """A secondary value in a panel: column, marker, filling and legend text."""

    column: str
    marker: str
    face: str
    meaning: str


@dataclass(frozen=True)
class Panel:
    """One measure of `methods_figure`.

    Attributes:
        column: Column of the table.
        title: Name, and which direction is better.
        low: Column of the lower bound of the interval, or "".
        high: Column of the upper bound of the interval, or "".
        ends: Limits of the axis, if the values have a fixed range.
        line: Position of a reference line, if any.
        chance: Column of the chance level of each row, or "".
        small: Secondary values, drawn small above the row.
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
    """Gains with each of several reference images."""
    names = references_of(table)
    marks = [(name, *REFERENCES[name]) for name in names if len(names) > 1]
    return tuple(
        Small(f"drop_over_random_{name}", marker, face, f"gain with {name}")
        for name, marker, face in marks
    )


def panels_of(table: pd.DataFrame, limit: float) -> list[Panel]:
    """Panels of the measures that at least one method has.

    Args:
        table: See `methods_figure`.
        limit: Maximum similarity in the weights check.
    """
    panels = [
        Panel(
            "drop_over_random",
            "gain over random maps\n(AUC; higher is better)",
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
            "infidelity, share of the\nlogit's change (lower is better)",
            ends=(0, 1),
        ),
        Panel("max_sensitivity", "max-sensitivity\n(lower is better)", ends=(0, None)),
        Panel(
            "border_mass",
            "mass at the patch's edge\n(far above chance: padding?)",
            ends=(0, None),
            chance="border_area",
        ),
        Panel(
            "pointing_game",
            "pointing game, hits\n(higher is better)",
            ends=(0, 1),
            chance="pointing_chance",
        ),
        Panel(
            "localisation",
            "localisation, pixel AUROC\n(higher is better)",
            ends=(0, 1),
            line=0.5,
        ),
    ]
    return [p for p in panels if p.column in table and np.isfinite(table[p.column]).any()]


def methods_figure(table: pd.DataFrame, limit: float, title: str = "") -> Figure:
    """One row per method, one panel per measure; the marks show the verdicts.

    Args:
        table: One row per method, best first: ``method``, ``verdict`` (a key of `MARKS`),
            ``drop_over_random`` and ``randomisation_similarity`` with ``_low`` and ``_high``, and
            optionally ``drop_over_random_<reference>`` (a key of `REFERENCES`),
            ``randomisation_highest``, ``infidelity_share``, ``max_sensitivity``, ``border_mass``
            with ``border_area``, ``pointing_game`` with ``pointing_chance``, ``localisation``.
        limit: Maximum similarity with all weights shuffled.
        title: Title of the figure.
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
    figure.suptitle(title or "Faithfulness of the methods to this model", fontsize=11)
    figure.legend(
        handles=_handles(rows, panels),
        loc="outside lower center",
        ncols=3,
        frameon=False,
        fontsize=8.5,
    )
    return figure


def _draw_panel(axes: Axes, panel: Panel, rows: Sequence[Mapping[Any, Any]]) -> None:
    """Draw a measure of all methods."""
    if panel.line is not None:
        axes.axvline(panel.line, color=BLACK, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
    for place, row in enumerate(rows):
        mark, value = mark_of(row), float(row[panel.column])
        if panel.chance and np.isfinite(row[panel.chance]):
            axes.plot([row[panel.chance]] * 2, [place - 0.3, place + 0.3], color=BLACK, lw=1.2)
        for small in panel.small:
            if np.isfinite(row.get(small.column, np.nan)):
                axes.plot(row[small.column], place - 0.3, **_small_style(small))
        if not np.isfinite(value):
            mark_unknown(axes, place)
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


def _small_style(small: Small) -> dict[str, Any]:
    return {
        "marker": small.marker,
        "color": BLACK,
        "markerfacecolor": small.face,
        "markeredgewidth": 0.6,
        "markersize": 4.5,
        "linestyle": "",
    }


def _handles(rows: Sequence[Mapping[Any, Any]], panels: Sequence[Panel]) -> list[Line2D]:
    """Legend entries of the marks and lines that occur."""
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
        Line2D([], [], label=small.meaning, **_small_style(small))
        for panel in panels
        for small in panel.small
        if any(np.isfinite(row.get(small.column, np.nan)) for row in rows)
    ]
    if any(panel.chance for panel in panels):
        handles.append(
            Line2D([], [], color=BLACK, marker="|", markersize=9, linestyle="", label="by chance")
        )
    return handles
