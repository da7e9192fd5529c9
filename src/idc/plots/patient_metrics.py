"""Metrics and burden (share of positive patches) of each patient."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from idc.plots.style import (
    AMBER,
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Look,
    empty_figure,
    legend_below,
    literal,
    new_figure,
    unit_square,
)
from idc.text import count

MAX_SHOWN = 40  # patients
NAME = 22  # characters of a patient's name
# Metric and word; colour, marker and its size.
TWO_CLASSES = {"recall": "recall", "specificity": "specificity", "f1": "F1"}
MORE_CLASSES = {"recall": "macro recall", "accuracy": "accuracy", "f1": "macro F1"}
# The first is filled, the others hollow and larger, so that equal values stay visible.
LOOKS = ((BLUE, "o", 4.5), (ORANGE, "^", 7.0), (GREEN, "D", 8.0))


def per_patient_figure(table: pd.DataFrame) -> Figure:
    """Metrics of each patient, worst at the top, and labelled and called share of positives.

    Of more than 40 patients the worst 40 are drawn, as the title states. Rows are ordered, worst
    first: ``patient``, ``patches``, ``recall``, ``f1`` (NaN if undefined); for two classes ``tp``,
    ``fn``, ``specificity``, ``fraction_true``, ``fraction_predicted``, for more ``accuracy``.
    """
    two = "fraction_true" in table
    rows = table.head(MAX_SHOWN)
    which = f"{count(len(table), 'patient')}, worst recall first"
    if len(table) > MAX_SHOWN:
        which = f"the worst {MAX_SHOWN} of {count(len(table), 'patient')}, by recall"
    title = f"Test patients: {which}"
    if rows.empty:
        return empty_figure("no patients", title)
    figure = new_figure(10.0 if two else 7.0, max(2.6, 0.27 * len(rows) + 1.8))
    figure.suptitle(title)
    panels = figure.subplots(1, 1 + two, sharey=True, squeeze=False).ravel()
    metrics = TWO_CLASSES if two else MORE_CLASSES
    values = rows[list(metrics)].to_numpy(np.float64)
    places = np.arange(len(rows))
    lowest, highest = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
    panels[0].hlines(places, lowest, highest, color="#bbbbbb", linewidth=1.2, zorder=1)
    for number, (word, (colour, marker, size)) in enumerate(
        zip(metrics.values(), LOOKS, strict=True)
    ):
        panels[0].plot(
            values[:, number],
            places,
            linestyle="",
            marker=marker,
            markersize=size,
            markerfacecolor="none" if number else colour,
            markeredgecolor=colour,
            markeredgewidth=1.4,
            label=word,
            clip_on=False,
            zorder=3,
        )
    panels[0].set_yticks(places, [_name(row) for row in rows.to_dict("records")], fontsize=8)
    panels[0].set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.4, -0.6), xlabel="value of the metric")
    counts = "positive of all patches" if two else "patches"
    panels[0].set_ylabel(f"patient  ({counts})")
    for axes in panels[1:]:
        for column, word, colour, hatch, shift in (
            ("fraction_true", "labelled positive", BLUE, "", -0.2),
            ("fraction_predicted", "called positive", AMBER, "////", 0.2),
        ):
            look: Look = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": word}
            axes.barh(places + shift, rows[column], height=0.36, linewidth=0, **look)
        axes.set(xlim=(0, 1.0), xlabel="share of the patient's patches")
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(visible=False)
    legend_below(figure, list(panels), 5)
    return figure


def patients_by_class_figure(right: Mapping[str, NDArray[np.floating]]) -> Figure:
    """The patients of each class: how many had all, some or none of its patches called right.

    For sets with few patches per patient, whose metrics are mostly 0 or 1. `right` is the share of
    each patient's patches of a class that were called so, in [0, 1], (patients,), by class.
    """
    figure = new_figure(8.0, 0.42 * len(right) + 1.6)
    axes = figure.subplots()
    names = list(right)
    parts = {
        "all of them called right": ([int((x == 1).sum()) for x in right.values()], BLUE, ""),
        "some": ([int(((x > 0) & (x < 1)).sum()) for x in right.values()], "#BBBBBB", "////"),
        "none": ([int((x == 0).sum()) for x in right.values()], ORANGE, ""),
    }
    totals = np.maximum([len(x) for x in right.values()], 1)
    start = np.zeros(len(names))
    for word, (numbers, colour, hatch) in parts.items():
        share = np.array(numbers) / totals
        look: Look = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": word}
        bars = axes.barh(range(len(names)), share, left=start, **look)
        texts = [str(n) if s > 0.04 else "" for n, s in zip(numbers, share, strict=True)]
        for text in axes.bar_label(bars, texts, label_type="center", fontsize=8.5):
            if text.get_text():
                text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})
        start += share
    ticks = [f"{literal(n, 24)}  ({len(x):,})" for n, x in right.items()]
    axes.set_yticks(range(len(names)), ticks)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set(xlim=(0, 1), xlabel="share of the class's patients", ylabel="class  (patients)")
    axes.set_title("Test patients: patches of the class called right")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    legend_below(figure, [axes], 3)
    return figure


def burden_figure(
    table: pd.DataFrame, summary: Mapping[str, float], positive: str = "positive"
) -> Figure:
    """Scatter plot of labelled and called share of each patient, and Bland-Altman plot.

    `table` has one row per patient: ``fraction_true``, ``fraction_predicted``, in [0, 1];
    `summary` is from `idc.metrics.per_patient.burden_summary`.
    """
    name = literal(positive, 30)
    title = f"Share of {name} patches per patient, {count(len(table), 'patient')}"
    if table.empty:
        return empty_figure("no patients", title)
    figure = new_figure(10.0, 5.4)
    left, right = figure.subplots(1, 2)
    figure.suptitle(title)
    true = table["fraction_true"].to_numpy(np.float64)
    called = table["fraction_predicted"].to_numpy(np.float64)
    left.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2, label="equal shares")
    _dots(left, true, called)
    unit_square(left)
    left.set(xlabel=f"labelled {name}, share of patches", ylabel=f"called {name}, share of patches")
    if "burden_concordance" in summary:
        left.set_title(f"concordance (Lin) {summary['burden_concordance']:.3f}")
    error = called - true
    right.axhline(0, color=GREY, linestyle=":", linewidth=1.2)
    if "burden_bias" in summary:
        bias = summary["burden_bias"]
        right.axhline(bias, color=BLACK, linewidth=1.3, label=f"mean error {bias:+.3f}")
    limits = [
        summary[f"burden_limit_{end}"]
        for end in ("low", "high")
        if summary.get(f"burden_limit_{end}") is not None
    ]
    label = "95 % limits of agreement " + ", ".join(f"{limit:+.3f}" for limit in limits)
    for limit in limits:
        right.axhline(limit, color=BLACK, linestyle=(0, (5, 2)), linewidth=1.3, label=label)
    _dots(right, (true + called) / 2, error)
    reach = 1.15 * max(0.05, float(np.abs([*error, *limits]).max()))
    right.set(xlim=(-0.01, 1.01), ylim=(-reach, reach))
    right.set(xlabel="mean of labelled and called share", ylabel="error: called - labelled share")
    right.set_title("difference against mean (Bland & Altman)")
    legend_below(figure, [left, right], 4)
    return figure


def _dots(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    look: Look = {"color": BLUE, "alpha": 0.6, "markeredgecolor": "white", "markeredgewidth": 0.5}
    axes.plot(x, y, "o", label="patient", clip_on=False, **look)


def _name(row: Mapping[Any, Any]) -> str:
    name = literal(str(row["patient"]), NAME)
    if "tp" not in row:
        return f"{name}  ({row['patches']:,})"
    return f"{name}  ({row['tp'] + row['fn']:,} of {row['patches']:,})"
