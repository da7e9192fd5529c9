"""Reliability diagrams."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray
from scipy.stats import binomtest

from idc.metrics.calibration_error import ECE_BINS, calibration_metrics, reliability_bins
from idc.plots.style import MARKERS, Look, curve_style, legend_below, new_figure, note_empty

HATCHES = ("", "///")


def reliability_figure(
    labels: NDArray[np.integer], scores: Mapping[str, NDArray[np.floating]], title: str = ""
) -> Figure:
    """Share of positives against mean score per bin, with the bins' counts below.

    Args:
        labels: 0 or 1, (N,).
        scores: Name to probability of the positive class, float in [0, 1], (N,): one, or two such
            as ``before`` and ``after`` a calibration. Empty bins are omitted; errors are those of
            `idc.metrics.calibration_error.calibration_metrics`.
        title: Title of the figure.
    """
    figure = new_figure(5.8, 5.6 + 1.1 * len(scores))
    ratios = [3.6, *[1.0] * len(scores)]
    upper, *lower = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)
    upper.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1, label="perfect")
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.03, 1.03), ylabel="share of positives")
    upper.set_title(title, fontsize=11)
    lower[-1].set_xlabel("score (probability of the positive class)")
    if not len(labels):
        note_empty(upper, "not drawn: there are no patches")
        return figure
    for number, ((name, values), axes) in enumerate(zip(scores.items(), lower, strict=True)):
        counts, mean, share = reliability_bins(labels, values, ECE_BINS)
        errors = calibration_metrics(labels, np.stack([1 - values, values], axis=1))
        words = (
            f"{name}: ECE {errors['ece']:.3f}, Brier {errors['brier']:.3f}, "
            f"log loss {errors['log_loss']:.3f}"
        )
        some = counts > 0
        _draw_curve(upper, counts[some], mean[some], share[some], words, number)
        axes.bar(
            np.arange(ECE_BINS) / ECE_BINS,
            counts,
            width=1 / ECE_BINS,
            align="edge",
            color=curve_style(number)["color"],
            hatch=HATCHES[number % 2],
            edgecolor="white",
        )
        texts = [f"{c:,}" if c else "" for c in counts]
        axes.bar_label(axes.containers[0], texts, fontsize=7, padding=1)
        axes.set_ylabel(f"patches,\n{name}" if len(scores) > 1 else "patches")
        axes.margins(y=0.25)
        axes.grid(visible=False)
        axes.yaxis.set_major_locator(MaxNLocator(2, integer=True))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    whiskers = "whiskers: 95 % intervals of the share (Wilson)"
    legend_below(figure, [upper], 1, title=whiskers, handlelength=3.5)
    return figure


def _draw_curve(
    axes: Axes,
    counts: NDArray[np.int64],
    mean: NDArray[np.float64],
    share: NDArray[np.float64],
    label: str,
    number: int,
) -> None:
    hits = np.rint(share * counts).astype(int)
    intervals = [
        binomtest(k, n).proportion_ci(0.95, "wilson")
        for k, n in zip(hits.tolist(), counts.tolist(), strict=True)
    ]
    low, high = np.transpose(intervals)
    # At 0 and 1, rounding leaves -1e-17.
    whiskers = np.maximum([share - low, high - share], 0)
    look: Look = {**curve_style(number), "marker": MARKERS[number], "elinewidth": 1.0}
    axes.errorbar(mean, share, whiskers, label=label, **look)
