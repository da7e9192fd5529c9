"""Insertion and deletion curves, and similarity of maps under weight randomisation."""

import pandas as pd
from matplotlib.figure import Figure

from idc.plots.faithfulness import EMPTY, FAILS, MARKS, NAME, NONE, TRUST, format_gain
from idc.plots.style import (
    BLACK,
    BLUE,
    ORANGE,
    Look,
    curve_style,
    empty_figure,
    hide_rest,
    legend_below,
    literal,
    new_figure,
    wrap_grid,
)
from idc.text import fixed

PER_ROW = 4
MIN_SHARE = 0.5  # of maps that are not empty, for a meaningful similarity
LOOKS: dict[str, Look] = {
    "insertion": {"color": BLUE, "marker": "^"},
    "deletion": {"color": ORANGE, "marker": "v"},
}
MAPS: dict[str, Look] = {
    "method": {"linewidth": 2.0, "markersize": 4},
    "random": {"linewidth": 1.3, "linestyle": (0, (2, 1.5)), "marker": ""},
}
WORDS = {"method": "the method's map", "random": "random maps"}


def curves_figure(curves: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Insertion and deletion curves, one panel per method, with those of random maps.

    Curves have ``method``, ``baseline``, ``maps`` (``method`` or ``random``), ``kind``
    (``insertion`` or ``deletion``), ``share`` and ``probability`` in [0, 1], ``decides`` (bool).
    The mean over the reference images that decide is drawn, in the order of the table.
    """
    if table.empty:
        return empty_figure(NONE)
    curves = curves[curves["decides"].astype(bool)]
    references = [literal(str(name), NAME) for name in dict.fromkeys(curves["baseline"])]
    keys = ["method", "kind", "maps", "share"]
    curves = curves.groupby(keys, sort=False)["probability"].mean().reset_index()
    rows, columns = wrap_grid(len(table), PER_ROW)
    figure = new_figure(max(2.6 * columns + 0.4, 6.2), 2.5 * rows + 1.2)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel().tolist()
    for axes, row in zip(grid, table.to_dict("records"), strict=False):
        part = curves[curves["method"] == row["method"]]
        for (kind, maps), line in part.groupby(["kind", "maps"]):
            look = LOOKS[str(kind)] | MAPS[str(maps)]
            look["label"] = f"{kind}, {WORDS[str(maps)]}"
            axes.plot(100 * line["share"], line["probability"], **look)
        name = literal(str(row["method"]), NAME)
        gain = format_gain(row, " (", ")")
        axes.set_title(f"{name}  {MARKS[row['verdict']].sign}\ngain {gain}", fontsize=9)
        axes.set(xlim=(0, 100), ylim=(-0.02, 1.02))
    hide_rest(grid, len(table))
    # The panel above a hidden one would have no ticks.
    for axes in grid[max(0, len(table) - columns) : len(table)]:
        axes.tick_params(labelbottom=True)
    mean = ": mean over these" if len(references) > 1 else ""
    over = f"replaced by {', '.join(references)}{mean}"
    figure.supxlabel(f"pixels inserted or deleted, most important first (%)\n{over}")
    figure.supylabel("probability of the class")
    legend_below(figure, grid[:1], loc="outside upper center")
    return figure


def randomisation_figure(randomisation: pd.DataFrame, limit: float) -> Figure:
    """Similarity to the maps of the trained network, with weights shuffled from the head down.

    One row per ``method`` and ``stage`` (0: as trained): ``layer`` (last shuffled), ``similarity``
    (NaN if undefined), ``low``, ``high`` and ``known``, the share of patches with a defined
    similarity (other maps are empty). `limit` is the maximum with all weights shuffled.
    """
    if randomisation["stage"].nunique() < 2:
        return empty_figure("no weights were shuffled")
    figure = new_figure(8.2, 4.2)
    axes = figure.subplots()
    layers = randomisation.drop_duplicates("stage").set_index("stage")["layer"].sort_index()
    axes.axhspan(limit, 1.1, color=ORANGE, alpha=0.08, linewidth=0)
    words = f"limit {limit:g}: a method\nthat ends above fails"
    axes.axhline(limit, color=BLACK, linewidth=1, linestyle=(0, (4, 2)), label=words)
    parts = list(randomisation.groupby("method", sort=False))
    for number, (method, part) in enumerate(parts):
        part = part.sort_values("stage")
        verdict, words = _final_verdict(part, limit)
        style = curve_style(number)
        axes.plot(
            part["stage"],
            part["similarity"],
            marker=MARKS[verdict].marker,
            markersize=5,
            label=f"{literal(str(method), NAME)}  {MARKS[verdict].sign} {words}",
            **style,
        )
        if len(parts) <= 4:  # more bands would overlap
            ends = part["low"].astype(float), part["high"].astype(float)
            axes.fill_between(part["stage"], *ends, color=style["color"], alpha=0.12, linewidth=0)
    names = [literal(_short(str(layer)), 26) for layer in layers]
    axes.set_xticks(layers.index, names, rotation=25, ha="right")
    low = min(0.0, float(randomisation["similarity"].fillna(0).min()))
    axes.set(xlim=(-0.15, int(layers.index.max()) + 0.15), ylim=(low - 0.08, 1.06))
    axes.set_xlabel("shuffled from the head down to this layer")
    axes.set_ylabel("similarity of the maps\n(rank correlation of their sizes)")
    figure.legend(loc="outside right upper", fontsize=8, title="method, with all\nweights shuffled")
    return figure


def _final_verdict(stages: pd.DataFrame, limit: float) -> tuple[str, str]:
    """Verdict of a method from its last stage with a defined similarity, with a label."""
    defined = stages[(stages["known"] > 0) & (2 * stages["known"] >= stages["known"].iloc[0])]
    if stages["known"].iloc[0] < MIN_SHARE or len(defined) < 2:
        return EMPTY, "empty maps"
    end = defined.iloc[-1]
    at = "" if end["stage"] == stages["stage"].max() else f" at {_short(str(end['layer']))}"
    return FAILS if end["similarity"] > limit else TRUST, f"{fixed(end['similarity'], 2)}{at}"


def _short(layer: str) -> str:
    return layer.replace("backbone.stages.", "").replace("backbone.", "")
