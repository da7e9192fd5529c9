"""Patches per class, split and patient."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from idc.plots.style import (
    BLACK,
    BLUE,
    Look,
    class_colours,
    empty_figure,
    legend_below,
    literal,
    new_figure,
)
from idc.text import count

WIDTH = 10.0  # inches
MAX_NAMED = 40  # patients that are labelled with their names
HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "++")
THOUSANDS = StrMethodFormatter("{x:,.0f}")


def shares_figure(counts: pd.DataFrame) -> Figure:
    """One bar per set (all, kept, a split; rows of `counts`), divided into classes (columns)."""
    figure = new_figure(WIDTH, 0.55 * len(counts) + 1.2)
    axes = figure.subplots()
    values = counts.to_numpy(float)
    totals = values.sum(1)
    share = values / np.maximum(totals, 1)[:, None]
    for number, bars in enumerate(_stack_bars(axes, share, list(counts.columns))):
        texts = [
            f"{n:,.0f}  ({s:.1%})" if s > 0.14 else f"{n:,.0f}" if s > 0.05 else ""
            for n, s in zip(values[:, number], share[:, number], strict=True)
        ]
        for text in axes.bar_label(bars, texts, label_type="center", fontsize=9):
            if text.get_text():
                text.set_bbox({"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 2})
    names = [f"{literal(str(n))}\n{t:,.0f}" for n, t in zip(counts.index, totals, strict=True)]
    axes.set_yticks(range(len(counts)), names)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the patches")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    legend_below(figure, [axes], 5)
    return figure


def balance_figure(counts: pd.DataFrame) -> Figure:
    """One bar per row: ``split``, ``class``, ``patches`` and ``patients``, with per cent.

    More than two classes are bars below one another, with a panel per split.
    """
    splits, classes = list(dict.fromkeys(counts["split"])), list(dict.fromkeys(counts["class"]))
    if len(classes) > 2:
        return _balance_of_many(counts, splits, classes)
    figure = new_figure(max(2.4 * len(splits) + 0.5 * len(classes), 6), 4.6)
    axes = figure.subplots()
    width = 0.8 / len(classes)
    totals = counts.groupby("split")["patches"].sum()
    for number, (name, colour) in enumerate(zip(classes, class_colours(len(classes)), strict=True)):
        part = counts[counts["class"] == name].set_index("split").loc[splits]
        places = np.arange(len(splits)) + (number - (len(classes) - 1) / 2) * width
        look: Look = {"color": colour, "hatch": HATCHES[number % 2], "edgecolor": "white"}
        bars = axes.bar(places, part["patches"], width, label=literal(str(name)), **look)
        texts = [
            f"{row['patches']:,}\n{row['patches'] / max(totals[split], 1):.0%}\n"
            f"{count(int(row['patients']), 'patient')}"
            for split, row in part.iterrows()
        ]
        axes.bar_label(bars, texts, fontsize=8, padding=2)
    axes.set_xticks(range(len(splits)), [f"{s}\n{totals[s]:,} patches" for s in splits])
    axes.set_ylabel("patches")
    axes.set_title("Class balance of the split")
    axes.margins(y=0.22)
    axes.grid(visible=False, axis="x")
    axes.yaxis.set_major_formatter(THOUSANDS)
    legend_below(figure, [axes], 4)
    return figure


def _balance_of_many(counts: pd.DataFrame, splits: list[str], classes: list[str]) -> Figure:
    figure = new_figure(max(3.4 * len(splits), 6), 0.4 * len(classes) + 1.5)
    figure.suptitle("Class balance of the split")
    panels = figure.subplots(1, len(splits), sharey=True, squeeze=False).ravel()
    for axes, split in zip(panels, splits, strict=True):
        part = counts[counts["split"] == split].set_index("class").loc[classes]
        total = max(int(part["patches"].sum()), 1)
        bars = axes.barh(range(len(classes)), part["patches"], color=BLUE)
        texts = [
            f"{row['patches']:,} ({row['patches'] / total:.0%})\n"
            f"{count(int(row['patients']), 'patient')}"
            for _, row in part.iterrows()
        ]
        axes.bar_label(bars, texts, fontsize=7.5, padding=3)
        axes.set(xlabel="patches", title=split)
        axes.margins(x=0.42)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(THOUSANDS)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    panels[0].set_yticks(range(len(classes)), [literal(str(name), 24) for name in classes])
    panels[0].invert_yaxis()
    return figure


def patients_figure(counts: pd.DataFrame) -> Figure:
    """Patches of each class (columns) by patient (rows), as counts and below them as shares.

    Patients are sorted by their number of patches. More than 40 have no names, and the shares are
    sorted by that of the last class.
    """
    if counts.empty:
        return empty_figure("no patients")
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    names, values, named = list(counts.columns), counts.to_numpy(float), len(counts) <= MAX_NAMED
    totals = values.sum(1)
    share = values / np.maximum(totals, 1)[:, None]
    figure = new_figure(WIDTH, 6.6)
    upper, lower = figure.subplots(2, 1)
    bars = _stack_bars(upper, values, names, vertical=True)
    _stack_bars(lower, share if named else share[np.lexsort(share.T)], names, vertical=True)
    for axes in (upper, lower):
        axes.set(xlim=(-0.5, len(counts) - 0.5), xticks=[])
    upper.set(ylabel="patches", xlabel=f"{len(counts):,} patients, by number of patches")
    upper.yaxis.set_major_formatter(THOUSANDS)
    lower.set(ylabel="share of patches", ylim=(0, 1))
    lower.yaxis.set_major_formatter(PercentFormatter(1))
    if named:
        upper.bar_label(bars[-1], [f"{total:,.0f}" for total in totals], padding=2, fontsize=8)
        patients = [literal(str(name), 24) for name in counts.index]
        lower.set_xticks(range(len(counts)), patients, rotation=90)
    else:
        lower.set_xlabel(f"{len(counts):,} patients, by share of {literal(str(names[-1]))}")
    legend_below(figure, [upper], 5)
    return figure


def patches_per_patient_figure(totals: NDArray[np.integer]) -> Figure:
    """Histogram of the patches per patient, int (n,), with a tick each, and the median."""
    if not len(totals):
        return empty_figure("no patients")
    figure = new_figure(WIDTH, 3.6)
    axes = figure.subplots()
    median = float(np.median(totals))
    axes.set_title(
        f"median {median:,.0f}, smallest {totals.min():,}, largest {totals.max():,} patches"
    )
    bins = min(40, max(10, len(np.histogram_bin_edges(totals, "fd")) - 1))
    width = -(-(int(totals.max() - totals.min()) + 1) // bins)  # whole patches, rounded up
    edges = np.arange(totals.min() - 0.5, totals.max() + width, width)
    axes.hist(totals, bins=list(edges), color=BLUE, edgecolor="white", linewidth=0.8)
    axes.plot(totals, np.zeros(len(totals)), "|", color=BLACK, markersize=14, alpha=0.5)
    axes.axvline(median, color=BLACK, linestyle="--", linewidth=1.4)
    axes.set(xlabel="patches per patient", ylabel="patients")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(THOUSANDS)
    return figure


def _stack_bars(
    axes: Axes, values: NDArray[np.float64], names: Sequence[str], vertical: bool = False
) -> list[BarContainer]:
    """Draw stacked bars, float (bars, classes); one container per class."""
    axes.grid(visible=False)
    starts, places = values.cumsum(1) - values, np.arange(len(values))
    many = len(values) > MAX_NAMED  # bars without gaps and hatches
    containers = []
    for number, (name, colour) in enumerate(zip(names, class_colours(len(names)), strict=True)):
        look: Look = {"color": colour, "label": literal(str(name))}
        if not many:
            look |= {"hatch": HATCHES[number % len(HATCHES)], "edgecolor": "white"}
        long, start, thick = values[:, number], starts[:, number], 1.0 if many else 0.8
        if vertical:
            containers.append(axes.bar(places, long, thick, start, linewidth=0.6, **look))
        else:
            containers.append(axes.barh(places, long, thick, start, linewidth=0.6, **look))
    return containers
