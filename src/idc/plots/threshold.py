"""What moves when the threshold moves."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    has_both,
    new_figure,
    say,
    tidy,
)

STYLES = {
    "F1": (BLUE, "-"),
    "recall": (ORANGE, (0, (5, 2))),
    "precision": (GREEN, (0, (1, 1.2))),
    "specificity": (PINK, (0, (6, 2, 1, 2))),
}


def threshold_metrics(
    labels: NDArray[np.integer], scores: NDArray[np.floating], cuts: NDArray[np.floating]
) -> dict[str, NDArray[np.float64]]:
    """F1, recall, precision and specificity where ``score >= cut`` is positive.

    Args:
        labels: 0 or 1, (N,), both present.
        scores: float (N,).
        cuts: Thresholds, float (M,).

    Returns:
        Name to float (M,); precision is NaN where nothing is called positive.
    """
    positive = np.sort(scores[labels == 1])
    negative = np.sort(scores[labels == 0])
    tp = len(positive) - np.searchsorted(positive, cuts, side="left")
    fp = len(negative) - np.searchsorted(negative, cuts, side="left")
    called = tp + fp
    precision = np.divide(tp, called, out=np.full(len(cuts), np.nan), where=called > 0)
    return {
        "F1": 2 * tp / (tp + fp + len(positive)),
        "recall": tp / len(positive),
        "precision": precision,
        "specificity": 1 - fp / len(negative),
    }


def threshold_figure(
    labels: NDArray[np.integer], scores: NDArray[np.floating], chosen: float, title: str
) -> Figure:
    """F1, recall, precision and specificity against the threshold, with the chosen one.

    Args:
        labels: 0 or 1, (N,).
        scores: float in [0, 1], (N,).
        chosen: The threshold that was chosen.
        title: The figure's title.
    """
    figure = new_figure(7.2, 4.6)
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(-0.01, 1.02), xlabel="threshold on the score", ylabel="metric")
    axes.set_title(title, fontsize=11)
    tidy(axes)
    if not has_both(labels):
        say(axes, "not drawn: a class is missing")
        return figure
    cuts = np.linspace(0, 1, 501)
    at_chosen = threshold_metrics(labels, scores, np.array([chosen]))
    for name, values in threshold_metrics(labels, scores, cuts).items():
        colour, dashes = STYLES[name]
        label = f"{name} ({at_chosen[name][0]:.3f} at the chosen one)"
        axes.plot(cuts, values, color=colour, linestyle=dashes, linewidth=1.8, label=label)
    axes.axvline(0.5, color=GREY, linewidth=1, linestyle=":", label="0.5")
    axes.axvline(chosen, color=BLACK, linewidth=1.4, label=f"chosen {chosen:.3f}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, frameon=False, fontsize=9)
    return figure
