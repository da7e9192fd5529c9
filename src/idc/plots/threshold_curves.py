"""Metrics against the decision threshold."""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.metrics.grouped import metrics_of_two
from idc.metrics.threshold import ThresholdRule, all_cuts
from idc.plots.style import (
    AMBER,
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    Look,
    empty_figure,
    has_both,
    legend_below,
    new_figure,
)
from idc.text import metric_label

LOOKS: dict[str, Look] = {
    "f1": {"color": BLUE, "linestyle": "-"},
    "recall": {"color": ORANGE, "linestyle": (0, (5, 2))},
    "precision": {"color": GREEN, "linestyle": (0, (1, 1.2))},
    "specificity": {"color": PINK, "linestyle": (0, (6, 2, 1, 2))},
}
STEPS: Look = {"drawstyle": "steps-pre", "linewidth": 1.8}


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
    if not has_both(labels):
        return empty_figure("not drawn: only one class", title)
    figure = new_figure(7.2, 5.0)
    figure.suptitle(title)
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(-0.01, 1.02), xlabel="threshold on the score", ylabel="metric")
    lowest, counts = all_cuts(labels == 1, np.asarray(scores, np.float64))
    at = [0.0, *lowest[::-1]]  # each cut holds from the next lower score to its own
    number = int((lowest >= chosen).sum()) - 1
    metrics = metrics_of_two(counts)
    metrics["precision"][counts.sum("tp fp") == 0] = np.nan
    for name, look in LOOKS.items():
        values = metrics[name]
        label = f"{metric_label(name)} ({values[number]:.3f} at the chosen threshold)"
        axes.plot(at, [values[-1], *values[::-1]], **STEPS, **look, label=label)
    if rule is not None:
        axes.set_title(textwrap.fill(rule.describe(), 90), fontsize=9)
    if rule is not None and rule.has_target:
        label, colour = f"target {rule.rule} {rule.target:g}", LOOKS[rule.rule]["color"]
        line = axes.axhline(rule.target, color=colour, linewidth=1, label=label)
        line.set(marker="v", markevery=0.5, clip_on=False)
    axes.axvline(0.5, color=GREY, linewidth=1, linestyle=":", label="threshold 0.5")
    axes.axvline(chosen, color=BLACK, linewidth=1.4, label=f"chosen threshold {chosen:.3f}")
    if rule is not None and rule.rule == "cost":
        missed = rule.false_negative_cost * counts.fn
        cost = (missed + rule.false_positive_cost * counts.fp) / len(labels)
        label = f"cost ({cost[number]:.3g} at the chosen threshold, right axis)"
        right = axes.twinx()
        look = {"color": AMBER, "marker": "s", "markevery": 0.05, "markersize": 4}
        right.plot(at, [cost[-1], *cost[::-1]], **STEPS, **look, label=label)
        right.set(ylim=(0, 1.05 * cost.max()), ylabel="mean cost per patch")
        right.spines["right"].set_visible(True)
        right.grid(visible=False)
    legend_below(figure, figure.axes)
    return figure
