"""Reliability diagrams."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray
from scipy.stats import binomtest

from idc.metrics.calibration_error import ECE_BINS, calibration_metrics, reliability_bins
from idc.plots.style import BLUE, GREY, ORANGE, new_figure, note_empty, tidy

Scores = NDArray[np.floating]


@dataclass(frozen=True)
class _Style:
    """Style of a curve and its counts, distinguishable without colour."""

    colour: str
    dashes: Any
    marker: str
    hatch: str


STYLES = (_Style(BLUE, "-", "o", ""), _Style(ORANGE, (0, (5, 2)), "s", "///"))


def reliability_figure(
    labels: NDArray[np.integer],
    scores: Scores | Mapping[str, Scores],
    title: str = "",
    bins: int = ECE_BINS,
) -> Figure:
    """Share of positives against mean score per bin, with the bins' counts below.

    Args:
        labels: 0 or 1, (N,).
        scores: Probability of the positive class, float in [0, 1], (N,); or one or two of them by
            name, such as ``{"before": ..., "after": ...}`` for a calibration.
        title: Title of the figure.
        bins: Number of equally wide bins; empty ones are omitted. The errors in the legend are
            those of `idc.metrics.calibration_error.calibration_metrics`, in 10 bins.
    """
    named = dict(scores) if isinstance(scores, Mapping) else {"scores": scores}
    figure = new_figure(5.8, 5.6 + 1.1 * len(named))
    ratios = [3.6, *[1.0] * len(named)]
    upper, *lower = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)
    upper.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="perfectly calibrated")
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.03, 1.03), ylabel="share of positives")
    upper.set_title(title, fontsize=11)
    lower[-1].set_xlabel("score (probability of the positive class)")
    for axes in (upper, *lower):
        tidy(axes, grid=axes is upper)
    if not len(labels):
        note_empty(upper, "not drawn: there are no patches")
        return figure
    for (name, values), axes, style in zip(named.items(), lower, STYLES, strict=False):
        count, mean, share = reliability_bins(labels, values, bins)
        errors = calibration_metrics(labels, np.stack([1 - values, values], axis=1))
        words = f"ECE {errors['ece']:.3f}, Brier {errors['brier']:.3f}"
        words = f"{name}: {words}, log loss {errors['log_loss']:.3f}"
        filled = count > 0
        _draw_curve(upper, count[filled], mean[filled], share[filled], words, style)
        _draw_counts(axes, count, f"patches,\n{name}" if len(named) > 1 else "patches", style)
    figure.legend(
        handles=upper.get_legend_handles_labels()[0],
        loc="outside lower center",
        frameon=False,
        fontsize=9,
        title="whiskers: 95 % intervals of the share (Wilson)",
        title_fontsize=9,
        handlelength=3.5,
    )
    return figure


def _draw_curve(
    axes: Axes,
    count: NDArray[np.int64],
    mean: NDArray[np.float64],
    share: NDArray[np.float64],
    label: str,
    style: _Style,
) -> None:
    hits = np.rint(share * count).astype(int)
    low, high = np.transpose(
        [
            binomtest(k, n).proportion_ci(0.95, "wilson")
            for k, n in zip(hits.tolist(), count.tolist(), strict=True)
        ]
    )
    axes.errorbar(
        mean,
        share,
        np.maximum([share - low, high - share], 0),  # of 0 and 1, rounding leaves -1e-17
        color=style.colour,
        marker=style.marker,
        linestyle=style.dashes,
        capsize=3,
        linewidth=1.6,
        elinewidth=1.0,
        label=label,
    )


def _draw_counts(axes: Axes, count: NDArray[np.int64], name: str, style: _Style) -> None:
    edges = np.linspace(0, 1, len(count) + 1)[:-1]
    bars = axes.bar(
        edges,
        count,
        width=1 / len(count),
        align="edge",
        color=style.colour,
        hatch=style.hatch,
        edgecolor="white",
    )
    axes.bar_label(bars, [f"{c:,}" if c else "" for c in count], fontsize=7, padding=1)
    axes.set_ylabel(name)
    axes.margins(y=0.25)
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
