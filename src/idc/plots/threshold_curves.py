"""Metrics against the decision threshold."""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.metrics.threshold import ThresholdRule
from idc.plots.style import (
    AMBER,
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    Look,
    has_both,
    legend_below,
    new_figure,
    note_empty,
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
        Name to float (M,); precision is NaN if nothing is called positive.
    """
    tp, fp, positives, negatives = _counts(labels, scores, cuts)
    called = tp + fp
    return {
        "F1": 2 * tp / (called + positives),
        "recall": tp / positives,
        "precision": np.where(called > 0, tp / np.maximum(called, 1), np.nan),
        "specificity": 1 - fp / negatives,
    }


def threshold_cost(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    cuts: NDArray[np.floating],
    rule: ThresholdRule,
) -> NDArray[np.float64]:
    """Mean cost per patch where ``score >= cut`` is positive.

    Args:
        labels: 0 or 1, (N,).
        scores: float (N,).
        cuts: Thresholds, float (M,).
        rule: Rule with the two costs.

    Returns:
        float (M,), in the unit of the costs.
    """
    tp, fp, positives, _ = _counts(labels, scores, cuts)
    cost = rule.false_negative_cost * (positives - tp) + rule.false_positive_cost * fp
    return np.asarray(cost / len(labels), np.float64)


def threshold_figure(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    chosen: float,
    title: str,
    rule: ThresholdRule | None = None,
) -> Figure:
    """F1, recall, precision and specificity against the threshold, with the chosen one.

    Args:
        labels: 0 or 1, (N,).
        scores: float in [0, 1], (N,).
        chosen: Chosen threshold.
        title: Title of the figure.
        rule: Rule by which it was chosen, described below the title. A target recall or precision
            is drawn as a line, the cost as a curve with its own axis.
    """
    figure = new_figure(7.2, 5.0)
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(-0.01, 1.02), xlabel="threshold on the score", ylabel="metric")
    figure.suptitle(title)
    if rule is not None:
        axes.set_title(textwrap.fill(rule.describe(), 90), fontsize=9)
    if not has_both(labels):
        note_empty(axes, "not drawn: only one class")
        return figure
    cuts = np.linspace(0, 1, 501)
    at_chosen = threshold_metrics(labels, scores, np.array([chosen]))
    for name, values in threshold_metrics(labels, scores, cuts).items():
        label = f"{name} ({at_chosen[name][0]:.3f} at the chosen threshold)"
        colour, dashes = STYLES[name]
        axes.plot(cuts, values, color=colour, linestyle=dashes, linewidth=1.8, label=label)
    if rule is not None and rule.has_target:
        label, colour = f"target {rule.rule} {rule.target:g}", STYLES[rule.rule][0]
        line = axes.axhline(rule.target, color=colour, linewidth=1, label=label)
        line.set(marker="v", markevery=0.5, clip_on=False)
    axes.axvline(0.5, color=GREY, linewidth=1, linestyle=":", label="threshold 0.5")
    axes.axvline(chosen, color=BLACK, linewidth=1.4, label=f"chosen threshold {chosen:.3f}")
    if rule is not None and rule.rule == "cost":
        right = axes.twinx()
        cost = threshold_cost(labels, scores, cuts, rule)
        at_chosen_cost = threshold_cost(labels, scores, np.array([chosen]), rule)[0]
        label = f"cost ({at_chosen_cost:.3g} at the chosen threshold, right axis)"
        look: Look = {"color": AMBER, "marker": "s", "markersize": 4, "markevery": 25}
        right.plot(cuts, cost, label=label, **look)
        right.set(ylim=(0, 1.05 * cost.max()), ylabel="mean cost per patch")
        right.spines["right"].set_visible(True)
        right.grid(visible=False)
    legend_below(figure, figure.axes)
    return figure


def _counts(
    labels: NDArray[np.integer], scores: NDArray[np.floating], cuts: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """True and false positives at each cut, (M,), and numbers of positives and negatives."""
    positive = np.sort(scores[labels == 1])
    negative = np.sort(scores[labels == 0])
    tp = len(positive) - np.searchsorted(positive, cuts, side="left")
    fp = len(negative) - np.searchsorted(negative, cuts, side="left")
    return tp, fp, len(positive), len(negative)
