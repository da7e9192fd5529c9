"""Insertion and deletion curves, and similarity of maps under weight randomisation."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idc.plots.faithfulness_marks import (
    EMPTY,
    FAILS,
    MARKS,
    NAME,
    TRUST,
    format_gain,
    mark_of,
    note_empty_figure,
)
from idc.plots.style import (
    BLACK,
    BLUE,
    ORANGE,
    curve_style,
    hide_rest,
    literal,
    new_figure,
    tidy,
    wrap_grid,
)
from idc.text import fixed

PER_ROW = 4
MIN_SHARE = 0.5  # of maps that are not empty, for a meaningful similarity
INSERTION, DELETION = BLUE, ORANGE


def curves_figure(curves: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Insertion and deletion curves, one panel per method, with those of random maps.

    Args:
        curves: ``method``, ``baseline``, ``maps`` (``method`` or ``random``), ``kind``
            (``insertion`` or ``deletion``), ``share`` in [0, 1], ``probability`` in [0, 1] and
            ``decides`` (bool). The mean over the reference images that decide is drawn.
        table: See `idc.plots.faithfulness_methods.methods_figure`; its order is kept.
    """
    if table.empty:
        figure = new_figure(5, 2)
        note_empty_figure(figure, "no method was measured")
        return figure
    curves = curves[curves["decides"].astype(bool)]
    references = list(dict.fromkeys(curves["baseline"]))
    keys = ["method", "kind", "maps", "share"]
    curves = curves.groupby(keys, sort=False)["probability"].mean().reset_index()
    rows, columns = wrap_grid(len(table), PER_ROW)
    figure = new_figure(max(2.6 * columns + 0.4, 6.2), 2.5 * rows + 1.1)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, row in zip(grid, table.to_dict("records"), strict=False):
        part = curves[curves["method"] == row["method"]]
        for (kind, maps), line in part.groupby(["kind", "maps"]):
            axes.plot(
                100 * line["share"], line["probability"], **_curve_style(str(kind), str(maps))
            )
        axes.set_title(
            f"{literal(str(row['method']), NAME)}  {mark_of(row).sign}\n"
            f"gain {format_gain(row, ' (', ')')}",
            fontsize=9,
        )
        axes.set(xlim=(0, 100), ylim=(-0.02, 1.02))
        tidy(axes)
    hide_rest(list(grid), len(table))
    # The panel above a hidden one would have no ticks.
    for axes in grid[max(0, len(table) - columns) : len(table)]:
        axes.tick_params(labelbottom=True)
    listed = ", ".join(literal(str(name), NAME) for name in references)
    mean = ": mean over these" if len(references) > 1 else ""
    over = f"\nreplaced by {listed}{mean}"
    figure.supxlabel(f"pixels inserted or deleted, most important first (%){over}", fontsize=9)
    figure.supylabel("probability of the class", fontsize=9)
    handles = [
        Line2D([], [], **_curve_style(kind, maps), label=f"{kind}, {words}")
        for kind in ("insertion", "deletion")
        for maps, words in (("method", "the method's map"), ("random", "random maps"))
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize=8.5)
    return figure


def randomisation_figure(randomisation: pd.DataFrame, limit: float) -> Figure:
    """Similarity to the maps of the trained network, with weights shuffled from the head down.

    Args:
        randomisation: One row per method and stage: ``method``, ``stage`` (0: as trained),
            ``layer`` (last shuffled), ``similarity`` (NaN if undefined), ``low``, ``high``,
            ``known`` (share of patches with a defined similarity: other maps are empty).
        limit: Maximum similarity with all weights shuffled.
    """
    figure = new_figure(8.2, 4.2)
    if randomisation["stage"].nunique() < 2:
        note_empty_figure(figure, "no weights were shuffled")
        return figure
    axes = figure.subplots()
    layers = randomisation.drop_duplicates("stage").set_index("stage")["layer"].sort_index()
    last = int(layers.index.max())
    axes.axhspan(limit, 1.1, color=ORANGE, alpha=0.08, linewidth=0)
    axes.axhline(
        limit,
        color=BLACK,
        linewidth=1,
        linestyle=(0, (4, 2)),
        label=f"limit {limit:g}: a method\nthat ends above fails",
    )
    methods = list(dict.fromkeys(randomisation["method"]))
    for number, method in enumerate(methods):
        part = randomisation[randomisation["method"] == method].sort_values("stage")
        verdict, words = _final_verdict(part, limit)
        axes.plot(
            part["stage"],
            part["similarity"],
            marker=MARKS[verdict].marker,
            markersize=5,
            label=f"{literal(str(method), NAME)}  {MARKS[verdict].sign} {words}",
            **curve_style(number),
        )
        if len(methods) <= 4:  # more bands would overlap
            axes.fill_between(
                part["stage"],
                part["low"].astype(float),
                part["high"].astype(float),
                color=curve_style(number)["color"],
                alpha=0.12,
                linewidth=0,
            )
    names = [literal(_short(str(layer)), 26) for layer in layers]
    axes.set_xticks(layers.index, names, rotation=25, ha="right", fontsize=8)
    low = min(0.0, float(randomisation["similarity"].fillna(0).min()))
    axes.set(xlim=(-0.15, last + 0.15), ylim=(low - 0.08, 1.06))
    axes.set_xlabel("shuffled from the head down to this layer", fontsize=9)
    axes.set_ylabel("similarity of the maps\n(rank correlation of their sizes)", fontsize=9)
    tidy(axes)
    figure.legend(
        loc="outside right upper",
        frameon=False,
        fontsize=8,
        title="method, with all\nweights shuffled",
        title_fontsize=8,
    )
    return figure


def _final_verdict(stages: pd.DataFrame, limit: float) -> tuple[str, str]:
    """Verdict of a method from its last stage with a defined similarity, with a label."""
    defined = stages[(stages["known"] > 0) & (2 * stages["known"] >= stages["known"].iloc[0])]
    if stages["known"].iloc[0] < MIN_SHARE or len(defined) < 2:
        return EMPTY, "empty maps"
    end = defined.iloc[-1]
    at = "" if end["stage"] == stages["stage"].max() else f" at {_short(str(end['layer']))}"
    return FAILS if end["similarity"] > limit else TRUST, f"{fixed(end['similarity'], 2)}{at}"


def _curve_style(kind: str, maps: str) -> dict[str, Any]:
    return {
        "color": INSERTION if kind == "insertion" else DELETION,
        "linestyle": "-" if maps == "method" else (0, (2, 1.5)),
        "linewidth": 2.0 if maps == "method" else 1.3,
        "marker": ("^" if kind == "insertion" else "v") if maps == "method" else None,
        "markersize": 4,
    }


def _short(layer: str) -> str:
    return layer.replace("backbone.stages.", "").replace("backbone.", "")
