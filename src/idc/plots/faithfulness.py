"""Faithfulness of attribution methods: the verdict, the measures behind it, and several models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from idc.plots.style import BLACK, BLUE, GREY, ORANGE, Look, empty_figure, literal, new_figure
from idc.text import decimals_for, fixed, listing

NAME = 30  # characters of a method's name that are shown
TRUST, FAILS, EMPTY = "trust", "fails the weights check", "says nothing"
NONE = "no method was measured"
LEAST = 0.05  # gain up to which the axis extends, so that a tiny one does not look large
NUMBER = StrMethodFormatter("{x:.2g}")


@dataclass(frozen=True)
class Mark:
    """Mark of a verdict, distinguishable by shape and filling as well as by colour."""

    sign: str
    marker: str
    colour: str
    face: str


MARKS = {
    TRUST: Mark("✓", "o", BLUE, BLUE),
    "not shown to beat random maps": Mark("≈", "D", GREY, "white"),
    FAILS: Mark("✗", "X", ORANGE, ORANGE),
    EMPTY: Mark("∅", "s", BLACK, "white"),
}


def with_sign(caveat: str) -> str:
    """A caveat about a method's maps after the sign of its verdict."""
    mark = MARKS.get(caveat, MARKS[FAILS])
    return f"{mark.sign} {caveat}"


@dataclass(frozen=True)
class Measure:
    """A measure of `measures_figure`: its title, and the columns of its interval and of chance."""

    title: str
    interval: Sequence[str] = ()
    chance: str = ""


MEASURES = {
    "randomisation_similarity": Measure(
        "similarity, weights shuffled\n(left of the line passes)",
        ("randomisation_low", "randomisation_high"),
    ),
    "infidelity_share": Measure("infidelity, share of the\nlogit's change (lower is better)"),
    "max_sensitivity": Measure("max-sensitivity\n(lower is better)"),
    "border_mass": Measure(
        "mass at the patch's edge\n(far above chance: padding?)", chance="border_area"
    ),
    "pointing_game": Measure("pointing game, hits\n(higher is better)", chance="pointing_chance"),
    "localisation": Measure("localisation, pixel AUROC\n(higher is better)"),
}


def methods_figure(table: pd.DataFrame) -> Figure:
    """One row per method: its gain over random maps with interval, and the verdict in words.

    The title states the result in one sentence. The table is ordered, best first: ``method``,
    ``verdict`` (a key of `MARKS`), ``drop_over_random`` with ``_low`` and ``_high``.
    """
    if table.empty:
        return empty_figure(NONE)
    rows = table.to_dict("records")
    figure = new_figure(8.6, 0.45 * len(rows) + 1.5)
    figure.suptitle(_sentence(rows))
    axes = figure.subplots()
    axes.axvline(0, color=BLACK, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
    for place, row in enumerate(rows):
        ends = ("drop_over_random_low", "drop_over_random_high")
        _draw_value(axes, place, row, "drop_over_random", ends)
    axes.set_yticks(range(len(rows)), [literal(str(row["method"]), NAME) for row in rows])
    axes.set(ylim=(len(rows) - 0.5, -0.5))
    axes.margins(x=0.12)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -LEAST), max(high, LEAST))
    axes.xaxis.set_major_formatter(NUMBER)
    axes.set_xlabel(
        "gain over random maps: change of the probability as marked pixels are covered\n"
        "(bar: 95 % interval over patients; at or left of the line: no better than chance)"
    )
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(range(len(rows)), [f"{_mark(row).sign} {row['verdict']}" for row in rows])
    beside.tick_params(length=0)
    beside.spines[:].set_visible(False)
    return figure


def _sentence(rows: Sequence[Mapping[Any, Any]]) -> str:
    """The result in one sentence."""
    trusted = [literal(str(row["method"]), NAME) for row in rows if row["verdict"] == TRUST]
    if not trusted:
        return (
            "No method's maps are shown to mark what the model used: do not read them as evidence"
        )
    return f"Maps that can be believed for this model: {listing(trusted)}"


def measures_figure(table: pd.DataFrame, limit: float) -> Figure:
    """One row per method, one panel per further measure; the marks show the verdicts.

    Beside the columns for `methods_figure` the table has those of `MEASURES`, or some of them;
    `limit` is the maximum similarity with all weights shuffled.
    """
    names = [name for name in MEASURES if name in table and np.isfinite(table[name]).any()]
    if table.empty or not names:
        return empty_figure(NONE)
    rows = table.to_dict("records")
    figure = new_figure(2.1 * len(names) + 3.0, 0.42 * len(rows) + 1.6)
    figure.suptitle("Further checks of the methods' maps")
    grid = figure.subplots(1, len(names), sharey=True, squeeze=False).ravel()
    lines = {"randomisation_similarity": limit, "localisation": 0.5}
    for axes, name in zip(grid, names, strict=True):
        measure = MEASURES[name]
        if name in lines:
            axes.axvline(lines[name], color=BLACK, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
        for place, row in enumerate(rows):
            _draw_value(axes, place, row, name, measure.interval)
            if measure.chance and np.isfinite(row[measure.chance]):
                axes.plot(
                    [row[measure.chance]] * 2, [place - 0.3, place + 0.3], color=BLACK, lw=1.2
                )
        axes.set_title(measure.title, fontsize=8.5)
        axes.margins(x=0.12)
        axes.locator_params(axis="x", nbins=4)
        axes.xaxis.set_major_formatter(NUMBER)
    texts = [f"{literal(str(row['method']), NAME)}  {_mark(row).sign}" for row in rows]
    grid[0].set_yticks(range(len(rows)), texts)
    grid[0].set_ylim(len(rows) - 0.5, -0.5)
    chance = "; black ticks: by chance" if any(MEASURES[name].chance for name in names) else ""
    figure.supxlabel(f"signs: verdicts; dashed: limit or chance{chance}")
    return figure


def _draw_value(
    axes: Axes, place: int, row: Mapping[Any, Any], name: str, interval: Sequence[str]
) -> None:
    """Draw a value with the mark of the verdict, and its interval if there is one."""
    mark, value = _mark(row), float(row[name])
    if not np.isfinite(value):
        middle: Look = {"ha": "center", "va": "center", "color": GREY, "fontsize": 8}
        axes.text(0.5, place, "unknown", transform=axes.get_yaxis_transform(), **middle)
        return
    ends = [float(row[end]) for end in interval]
    if ends and np.isfinite(ends).all():
        axes.plot(ends, [place] * 2, color=mark.colour, lw=2)
    look: Look = {"color": mark.colour, "markerfacecolor": mark.face, "markersize": 7}
    axes.plot(value, place, mark.marker, zorder=3, **look)


def faithfulness_matrix_figure(frame: pd.DataFrame) -> Figure:
    """Matrix of methods and models, with gain over random maps and verdict in each cell.

    The rows of `frame` are as for `methods_figure`, one per ``method`` and ``model``. The order of
    first appearance is kept.
    """
    if frame.empty:
        return empty_figure(NONE)
    methods, models = (list(dict.fromkeys(frame[key])) for key in ("method", "model"))
    figure = new_figure(max(1.75 * len(models) + 2.6, 5.6), 0.62 * len(methods) + 1.7)
    axes = figure.subplots()
    gains = np.full((len(methods), len(models)), np.nan)
    for row in frame.to_dict("records"):
        y, x = methods.index(row["method"]), models.index(row["model"])
        gains[y, x] = max(float(row["drop_over_random"]), 0) if row["verdict"] == TRUST else np.nan
        text = f"{_mark(row).sign} {format_gain(row, chr(10))}"
        axes.text(x, y, text, ha="center", va="center", fontsize=8.5, linespacing=1.3)
    top = max(float(np.nanmax(gains, initial=0)), 1e-9)
    # Trusted cells are blue, the more the higher their gain.
    axes.imshow(gains, cmap="Blues", vmin=-0.4 * top, vmax=2 * top, aspect="auto")
    axes.set_xticks(range(len(models)), [literal(str(m), 20) for m in models])
    axes.set_yticks(range(len(methods)), [literal(str(m), NAME) for m in methods])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set(visible=True, color="#bbbbbb")
    seen = set(frame["verdict"])
    signs = "    ".join(f"{m.sign} {verdict}" for verdict, m in MARKS.items() if verdict in seen)
    figure.suptitle("Gain over random maps of the same spectrum (95 % interval)")
    figure.supxlabel(signs)
    return figure


def format_gain(row: Mapping[Any, Any], before: str, after: str = "") -> str:
    """Format the gain and its interval, with suitable decimals."""
    gain, low, high = (float(row[f"drop_over_random{end}"]) for end in ("", "_low", "_high"))
    if not np.isfinite([low, high]).all():
        return f"{fixed(gain, 2)}{before}no interval{after}"
    decimals = min(3, decimals_for(low, high))
    texts = [fixed(value, decimals) for value in (gain, low, high)]
    return f"{texts[0]}{before}{texts[1]} to {texts[2]}{after}"


def _mark(row: Mapping[Any, Any]) -> Mark:
    return MARKS[str(row["verdict"])]
