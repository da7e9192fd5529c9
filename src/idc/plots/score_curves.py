"""What scores mean: reliability diagrams, and metrics against the decision threshold."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray
from scipy.stats import binomtest

from idc.metrics.calibration_error import ECE_BINS, calibration_metrics, reliability_bins
from idc.metrics.grouped import metrics_of_two
from idc.metrics.threshold import ThresholdRule, all_cuts
from idc.plots.style import (
    AMBER,
    BLACK,
    BLUE,
    GREEN,
    GREY,
    MARKERS,
    ORANGE,
    PINK,
    Look,
    curve_style,
    empty_figure,
    has_both,
    legend_below,
    new_figure,
    note_empty,
)
from idc.text import metric_label

HATCHES = ("", "///")
LOOKS: dict[str, Look] = {
    "f1": {"color": BLUE, "linestyle": "-"},
    "recall": {"color": ORANGE, "linestyle": (0, (5, 2))},
    "precision": {"color": GREEN, "linestyle": (0, (1, 1.2))},
    "specificity": {"color": PINK, "linestyle": (0, (6, 2, 1, 2))},
}
STEPS: Look = {"drawstyle": "steps-pre", "linewidth": 1.8}


def reliability_figure(
    labels: NDArray[np.integer], scores: Mapping[str, NDArray[np.floating]], title: str = ""
) -> Figure:
    """Share of positives against mean score per bin, with the bins' counts below.

    Labels are 0 or 1, (N,), scores of the positive class in [0, 1], (N,): one, or two such as
    ``before`` and ``after`` a calibration. Empty bins are omitted.
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


def threshold_figure(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    chosen: float,
    title: str,
    rule: ThresholdRule | None = None,
) -> Figure:
    """F1, recall, precision and specificity against the threshold, with the chosen one.

    `labels` are 0 or 1, (N,), `scores` float in [0, 1], (N,). The rule by which it was chosen is
    described below the title: a target is drawn as a line, the cost as a curve with its own axis.
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
