"""Metrics and burden of each patient."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from idc.plots.burden import no_patients
from idc.plots.style import (
    AMBER,
    BLUE,
    GREEN,
    ORANGE,
    literal,
    new_figure,
    tidy,
)
from idc.text import count

MAX_SHOWN = 40  # patients
NAME = 22  # characters of a patient's name
# Metric, word, colour, marker and its size.
TWO_CLASSES = (
    ("recall", "recall", BLUE, "o", 4.5),
    ("specificity", "specificity", ORANGE, "^", 7.0),
    ("f1", "F1", GREEN, "D", 8.0),
)
MORE_CLASSES = (
    ("recall", "macro recall", BLUE, "o", 4.5),
    ("accuracy", "accuracy", ORANGE, "^", 7.0),
    ("f1", "macro F1", GREEN, "D", 8.0),
)


def per_patient_figure(table: pd.DataFrame, title: str = "Test patients") -> Figure:
    """Metrics of each patient, worst at the top, and labelled and called share of positives.

    Of more than 40 patients the worst 40 are drawn, as the title states.

    Args:
        table: One row per patient, worst first: ``patient``, ``patches``, ``recall``, ``f1`` (NaN
            if undefined). For two classes ``tp``, ``fn``, ``specificity``, ``fraction_true``
            and ``fraction_predicted``; for more ``accuracy``.
        title: Title of the figure.
    """
    two = "fraction_true" in table
    rows = table.head(MAX_SHOWN)
    figure = new_figure(10.0 if two else 7.0, max(2.6, 0.27 * len(rows) + 1.7))
    if two:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.25, 1])
    else:
        left, right = figure.subplots(), None
    which = f"{count(len(table), 'patient')}, worst recall first"
    if len(table) > MAX_SHOWN:
        which = f"the worst {MAX_SHOWN} of {count(len(table), 'patient')}, by recall"
    figure.suptitle(f"{literal(title, 60)}: {which}", fontsize=12)
    if rows.empty:
        return no_patients(figure)
    places = np.arange(len(rows))
    _draw_metrics(left, rows, TWO_CLASSES if two else MORE_CLASSES)
    left.set_yticks(places, [_name(row) for row in rows.to_dict("records")], fontsize=8)
    left.set_ylim(len(rows) - 0.4, -0.6)
    counts = "positive of all patches" if two else "patches"
    left.set(xlim=(-0.02, 1.02), xlabel="value of the metric", ylabel=f"patient  ({counts})")
    tidy(left)
    if right is not None:
        for column, word, colour, hatch, shift in (
            ("fraction_true", "labelled positive", BLUE, "", -0.2),
            ("fraction_predicted", "called positive", AMBER, "////", 0.2),
        ):
            right.barh(
                places + shift,
                rows[column],
                height=0.36,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0,
                label=word,
            )
        right.set(xlim=(0, 1.0), xlabel="share of the patient's patches")
        right.xaxis.set_major_formatter(PercentFormatter(1))
        right.tick_params(left=False)
        tidy(right, grid=False)
    for axes in figure.axes:
        axes.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=9
        )
    return figure


def _draw_metrics(
    axes: Axes, rows: pd.DataFrame, metrics: tuple[tuple[str, str, str, str, float], ...]
) -> None:
    """Draw one mark per defined metric, on a line that spans them."""
    values = rows[[name for name, *_ in metrics]].to_numpy(np.float64)
    places = np.arange(len(rows))
    some = np.isfinite(values).any(1)
    axes.hlines(
        places[some],
        np.nanmin(values[some], axis=1),
        np.nanmax(values[some], axis=1),
        color="#bbbbbb",
        linewidth=1.2,
        zorder=1,
    )
    # The first is filled, the others hollow and larger, so that equal values stay visible.
    for number, (_, word, colour, marker, size) in enumerate(metrics):
        axes.plot(
            values[:, number],
            places,
            linestyle="",
            marker=marker,
            markersize=size,
            markerfacecolor=colour if number == 0 else "none",
            markeredgecolor=colour,
            markeredgewidth=1.4,
            label=word,
            clip_on=False,
            zorder=3,
        )


def _name(row: Mapping[Any, Any]) -> str:
    name = literal(str(row["patient"]), NAME)
    if "tp" not in row:
        return f"{name}  ({row['patches']:,})"
    return f"{name}  ({row['tp'] + row['fn']:,} of {row['patches']:,})"
