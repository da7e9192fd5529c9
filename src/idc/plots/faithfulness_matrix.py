"""Faithfulness of attribution methods by model."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from idc.plots.faithfulness_marks import (
    FAILS,
    MARKS,
    NAME,
    TRUST,
    format_gain,
    mark_of,
    note_empty_figure,
)
from idc.plots.style import (
    BLUE,
    literal,
    new_figure,
)


def faithfulness_matrix_figure(frame: pd.DataFrame) -> Figure:
    """Matrix of methods and models, with gain over random maps and verdict in each cell.

    Args:
        frame: One row per method and model: ``model``, ``method``, ``verdict``,
            ``drop_over_random``, ``drop_over_random_low``, ``drop_over_random_high``. Cells
            without a row are empty. The order of first appearance is kept.
    """
    methods = list(dict.fromkeys(frame["method"]))
    models = list(dict.fromkeys(frame["model"]))
    figure = new_figure(max(1.75 * len(models) + 2.6, 5.6), 0.62 * max(len(methods), 1) + 1.7)
    if frame.empty:
        note_empty_figure(figure, "no method was measured")
        return figure
    axes = figure.subplots()
    top = max(float(np.nanmax(np.abs(frame["drop_over_random"]), initial=0)), 1e-9)
    for row in frame.to_dict("records"):
        x, y = models.index(row["model"]), methods.index(row["method"])
        mark, gain = mark_of(row), float(row["drop_over_random"])
        usable = row["verdict"] == TRUST
        face = (*_rgb(BLUE), 0.08 + 0.4 * float(np.clip(gain / top, 0, 1))) if usable else "white"
        axes.add_patch(
            Rectangle(
                (x - 0.48, y - 0.46),
                0.96,
                0.92,
                facecolor=face,
                edgecolor=mark.colour,
                linewidth=1.4,
                hatch="////" if row["verdict"] == FAILS else None,
            )
        )
        text = f"{mark.sign} {format_gain(row, chr(10))}"
        axes.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            fontsize=8.5,
            linespacing=1.3,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5},
        )
    axes.set(xlim=(-0.52, len(models) - 0.48), ylim=(len(methods) - 0.5, -0.5))
    axes.set_xticks(range(len(models)), [literal(str(m), 20) for m in models], fontsize=9)
    axes.set_yticks(range(len(methods)), [literal(str(m), NAME) for m in methods], fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    seen = set(frame["verdict"])
    signs = "    ".join(f"{m.sign} {verdict}" for verdict, m in MARKS.items() if verdict in seen)
    figure.suptitle("Gain over random maps of the same spectrum (95 % interval)", fontsize=11)
    figure.supxlabel(signs, fontsize=8.5)
    return figure


def _rgb(colour: str) -> tuple[float, float, float]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))  # type: ignore[return-value]
