"""Whether a score of 0.8 means eight in ten."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import binomtest

from idc.plots.style import BLUE, GREY, new_figure, tidy


def expected_calibration_error(
    labels: NDArray[np.integer], scores: NDArray[np.floating], bins: int = 10
) -> float:
    """ECE with equally wide bins (Naeini et al. 2015), in [0, 1].

    Args:
        labels: 0 or 1, (N,).
        scores: Probability of the positive class, float in [0, 1], (N,).
        bins: Number of bins.
    """
    count, mean, share = _binned(labels, scores, bins)
    filled = count > 0
    return float((count[filled] * np.abs(mean[filled] - share[filled])).sum() / count.sum())


def reliability_figure(
    labels: NDArray[np.integer], scores: NDArray[np.floating], bins: int = 10, title: str = ""
) -> Figure:
    """Share of positives against mean score a bin, with the bins' counts below.

    Args:
        labels: 0 or 1, (N,).
        scores: Probability of the positive class, float in [0, 1], (N,).
        bins: Number of equally wide bins; empty ones are left out.
        title: The figure's title.
    """
    count, mean, share = _binned(labels, scores, bins)
    filled = count > 0
    figure = new_figure(5.4, 6.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
    upper.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="perfectly calibrated")
    hits = np.rint(share * count).astype(int)
    chance = [
        binomtest(k, n).proportion_ci(0.95, "wilson")
        for k, n in zip(hits[filled].tolist(), count[filled].tolist(), strict=True)
    ]
    upper.errorbar(
        mean[filled],
        share[filled],
        [
            [max(0.0, s - c.low) for s, c in zip(share[filled], chance, strict=True)],
            [max(0.0, c.high - s) for s, c in zip(share[filled], chance, strict=True)],
        ],
        color=BLUE,
        marker="o",
        capsize=3,
        linewidth=1.6,
        label="patches, with 95 % interval (Wilson)",
    )
    upper.set(xlim=(0, 1), ylim=(-0.03, 1.03), ylabel="share that is positive")
    error = expected_calibration_error(labels, scores, bins)
    upper.set_title(f"{title}\nexpected calibration error {error:.3f}", fontsize=11)
    upper.legend(loc="lower right", frameon=False, fontsize=9)
    edges = np.linspace(0, 1, bins + 1)
    bars = lower.bar(edges[:-1], count, width=1 / bins, align="edge", color=BLUE, edgecolor="white")
    lower.bar_label(bars, [f"{c:,}" if c else "" for c in count], fontsize=7, padding=1)
    lower.set(xlabel="score (probability of the positive class)", ylabel="patches")
    lower.margins(y=0.25)
    tidy(upper)
    tidy(lower, grid=False)
    return figure


def _binned(
    labels: NDArray[np.integer], scores: NDArray[np.floating], bins: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Count, mean score and share of positives a bin."""
    place = np.minimum((scores * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    safe = np.maximum(count, 1)
    mean = np.bincount(place, scores, bins) / safe
    share = np.bincount(place, labels == 1, bins) / safe
    return count, mean, share
