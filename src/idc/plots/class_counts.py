"""Patches per class, split and patient."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from idc.plots.style import BLACK, BLUE, GREY, class_colours, literal, new_figure, note_empty, tidy
from idc.text import count

WIDTH = 10.0  # inches
MAX_NAMED = 40  # patients that are labelled with their names
HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "++")
THOUSANDS = StrMethodFormatter("{x:,.0f}")


def shares_figure(counts: pd.DataFrame) -> Figure:
    """One bar per set (all, kept, a split), divided into the classes.

    Args:
        counts: Patches, int; one row per set (index: name), one column per class (name).
    """
    figure = new_figure(WIDTH, 0.55 * len(counts) + 1.1)
    axes = figure.subplots()
    values = counts.to_numpy(float)
    totals = values.sum(1, keepdims=True)
    share = np.divide(values, totals, out=np.zeros_like(values), where=totals > 0)
    bars = _stack_bars(axes, share, list(counts.columns))
    for number, container in enumerate(bars):
        texts = [
            f"{n:,.0f}  ({s:.1%})" if s > 0.14 else f"{n:,.0f}" if s > 0.05 else ""
            for n, s in zip(values[:, number], share[:, number], strict=True)
        ]
        for text in axes.bar_label(container, texts, label_type="center", fontsize=9):
            if text.get_text():
                text.set_bbox({"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 2})
    names = [
        f"{literal(str(n))}\n{t:,.0f}" for n, t in zip(counts.index, totals[:, 0], strict=True)
    ]
    axes.set_yticks(range(len(counts)), names)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the patches")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    _legend_above(figure, axes)
    tidy(axes, grid=False)
    return figure


def balance_figure(counts: pd.DataFrame) -> Figure:
    """One bar per split and class, with patches, per cent and patients.

    Args:
        counts: ``split``, ``class``, ``patches``, ``patients``; one row per split and class.
    """
    splits, classes = list(dict.fromkeys(counts["split"])), list(dict.fromkeys(counts["class"]))
    figure = new_figure(2.4 * len(splits) + 0.7 * len(classes), 4.4)
    axes = figure.subplots()
    width = 0.8 / len(classes)
    totals = counts.groupby("split")["patches"].sum()
    for number, (name, colour) in enumerate(zip(classes, class_colours(len(classes)), strict=True)):
        part = counts[counts["class"] == name].set_index("split").loc[splits]
        places = np.arange(len(splits)) + (number - (len(classes) - 1) / 2) * width
        hatch = "//" if number % 2 else ""
        bars = axes.bar(
            places, part["patches"], width, color=colour, hatch=hatch, edgecolor="white", label=name
        )
        texts = [
            f"{row['patches']:,}\n{row['patches'] / max(totals[split], 1):.0%}\n"
            f"{count(int(row['patients']), 'patient')}"
            for split, row in part.iterrows()
        ]
        axes.bar_label(bars, texts, fontsize=8, padding=2)
    axes.set_xticks(range(len(splits)), [f"{s}\n{totals[s]:,} patches" for s in splits])
    axes.set_ylabel("patches")
    axes.set_title("Class balance of the split", fontsize=11)
    axes.margins(y=0.22)
    axes.legend(frameon=False, loc="upper right")
    tidy(axes)
    return figure


def patients_figure(counts: pd.DataFrame) -> Figure:
    """Patches of each class by patient, as counts and as shares.

    Up to 40 patients have a bar and a name each. More are drawn as a step plot, sorted by number of
    patches, and below it their shares, sorted by the share of the last class.

    Args:
        counts: Patches, int; one row per patient (index: name), one column per class (name).
    """
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    return _named_patients(counts) if len(counts) <= MAX_NAMED else _many_patients(counts)


def _named_patients(counts: pd.DataFrame) -> Figure:
    figure = new_figure(WIDTH, 0.27 * len(counts) + 1.4)
    figure.set_layout_engine("constrained", wspace=0.06)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.25, 1])
    values = counts.to_numpy(float)
    totals = values.sum(1)
    _stack_bars(left, values, list(counts.columns))
    _stack_bars(right, values / np.maximum(totals, 1)[:, None], list(counts.columns))
    for place, total in enumerate(totals):
        left.annotate(
            f"{total:,.0f}",
            (total, place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    left.set_yticks(range(len(counts)), [literal(str(n), 24) for n in counts.index], fontsize=9)
    left.set_xlim(0, 1.12 * totals.max(initial=1))
    left.set_ylim(len(counts) - 0.4, -0.6)
    if not len(counts):
        note_empty(left, "no patients")
    left.set(xlabel="patches", ylabel="patient")
    left.xaxis.set_major_formatter(THOUSANDS)
    right.set(xlim=(0, 1), xlabel="share of the patient's patches")
    right.xaxis.set_major_formatter(PercentFormatter(1))
    right.tick_params(left=False)
    _legend_above(figure, left)
    tidy(left, grid=False)
    tidy(right, grid=False)
    return figure


def _many_patients(counts: pd.DataFrame) -> Figure:
    figure = new_figure(WIDTH, 6.4)
    upper, lower = figure.subplots(2, 1)
    values = counts.to_numpy(float)
    _stack_stairs(upper, values, list(counts.columns))
    upper.set(ylabel="patches", xlabel=f"{len(counts):,} patients, by number of patches")
    upper.yaxis.set_major_formatter(THOUSANDS)
    share = values / np.maximum(values.sum(1), 1)[:, None]
    share = share[np.lexsort(share.T)]
    _stack_stairs(lower, share, list(counts.columns))
    last = literal(str(counts.columns[-1]))
    lower.set(
        ylabel="share of patches",
        ylim=(0, 1),
        xlabel=f"{len(counts):,} patients, by share of {last}",
    )
    lower.yaxis.set_major_formatter(PercentFormatter(1))
    for axes in (upper, lower):
        tidy(axes, grid=False)
    _legend_above(figure, upper)
    return figure


def patches_per_patient_figure(totals: NDArray[np.integer]) -> Figure:
    """Histogram of the number of patches per patient, with one tick per patient and the median.

    Args:
        totals: Patches of each patient, int (n,).
    """
    figure = new_figure(WIDTH, 3.6)
    axes = figure.subplots()
    axes.set(xlabel="patches per patient", ylabel="patients")
    tidy(axes)
    if not len(totals):
        note_empty(axes, "no patients")
        return figure
    bins = min(40, max(10, len(np.histogram_bin_edges(totals, "fd")) - 1))
    axes.hist(totals, bins=bins, color=BLUE, edgecolor="white", linewidth=0.8)
    axes.plot(totals, np.zeros(len(totals)), "|", color=BLACK, markersize=14, alpha=0.5)
    median = float(np.median(totals))
    axes.axvline(median, color=BLACK, linestyle="--", linewidth=1.4)
    words = f"median {median:,.0f}\nsmallest {totals.min():,}, largest {totals.max():,}"
    axes.text(0.985, 0.95, words, transform=axes.transAxes, ha="right", va="top", fontsize=10)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.margins(y=0.12)
    axes.tick_params(colors="#333333")
    axes.spines[["left", "bottom"]].set_color(GREY)
    return figure


def _stack_bars(
    axes: Axes, values: NDArray[np.float64], names: Sequence[str]
) -> list[BarContainer]:
    """Draw horizontal stacked bars, float (bars, classes); one container per class."""
    base = np.zeros(len(values))
    containers = []
    for number, (name, colour) in enumerate(zip(names, class_colours(len(names)), strict=True)):
        containers.append(
            axes.barh(
                np.arange(len(values)),
                values[:, number],
                left=base,
                color=colour,
                hatch=HATCHES[number % len(HATCHES)],
                edgecolor="white",
                linewidth=0.6,
                label=literal(str(name)),
            )
        )
        base = base + values[:, number]
    return containers


def _stack_stairs(axes: Axes, values: NDArray[np.float64], names: Sequence[str]) -> None:
    """Draw vertical stacks without gaps, float (stacks, classes); one outline per class."""
    edges = np.arange(len(values) + 1)
    tops = values.cumsum(1)
    for number, (name, colour) in enumerate(zip(names, class_colours(len(names)), strict=True)):
        base = tops[:, number] - values[:, number]
        axes.stairs(
            tops[:, number],
            edges,
            baseline=base,
            fill=True,
            color=colour,
            label=literal(str(name)),
        )
    axes.set_xlim(0, len(values))


def _legend_above(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=min(5, len(handles)), frameon=False
    )
