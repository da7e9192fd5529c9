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
    hide_rest,
    legend_below,
    literal,
    new_figure,
    note_empty,
    unit_square,
    wrap_grid,
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
    labels: Mapping[str, NDArray[np.integer]] | NDArray[np.integer],
    scores: Mapping[str, NDArray[np.floating]],
    title: str = "",
    of: tuple[str, str] = ("share of positives", "score (probability of the positive class)"),
) -> Figure:
    """Share of positives against mean score per bin, with the bins' counts below.

    Labels are 0 or 1, (N,), scores of the positive class in [0, 1], (N,): one, or two such as
    ``before`` and ``after`` a calibration, each with labels of its own if they are a mapping. Empty
    bins are omitted. `of` are the names of the axes, share and score.
    """
    figure = new_figure(5.8, 5.6 + 1.1 * len(scores))
    ratios = [3.6, *[1.0] * len(scores)]
    upper, *lower = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)
    upper.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1, label="perfect")
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.03, 1.03), ylabel=of[0])
    upper.set_title(title, fontsize=11)
    lower[-1].set_xlabel(of[1])
    each = labels if isinstance(labels, Mapping) else dict.fromkeys(scores, labels)
    if not all(map(len, each.values())):
        note_empty(upper, "not drawn: there are no patches")
        return figure
    for number, ((name, values), axes) in enumerate(zip(scores.items(), lower, strict=True)):
        counts, mean, share = reliability_bins(each[name], values, ECE_BINS)
        errors = calibration_metrics(each[name], np.stack([1 - values, values], axis=1))
        words = f"{name}: ECE {errors['ece']:.3f}"
        if not isinstance(labels, Mapping):  # of the most probable class, others are no metrics
            words += f", Brier {errors['brier']:.3f}, log loss {errors['log_loss']:.3f}"
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


def class_reliability_figure(
    curves: Mapping[str, tuple[NDArray[np.integer], NDArray[np.floating]]], title: str
) -> Figure:
    """One small reliability diagram per class, labels, 0 or 1, (N,), and scores, (N,), by name."""
    rows, columns = wrap_grid(len(curves), 4)
    figure = new_figure(2.4 * columns + 0.4, 2.5 * rows + 0.7)
    figure.suptitle(title)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (name, (labels, scores)) in zip(panels, curves.items(), strict=False):
        counts, mean, share = reliability_bins(labels, scores, ECE_BINS)
        error = calibration_metrics(labels, np.stack([1 - scores, scores], axis=1))["ece"]
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
        some = counts > 0
        _draw_curve(axes, counts[some], mean[some], share[some], "", 0)
        unit_square(axes)
        axes.set_title(f"{literal(name, 20)} ({int(np.sum(labels)):,}): ECE {error:.3f}", size=9)
    hide_rest(panels.tolist(), len(curves))
    figure.supxlabel("score of the class  (whiskers: 95 % intervals, Wilson)")
    figure.supylabel("share of the class")
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
