"""Curves of test scores: ROC, precision-recall, and errors against the share decided."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from idc.metrics.areas import areas_of
from idc.plots.style import (
    BLACK,
    GREY,
    MARKERS,
    MAX_INSIDE,
    Look,
    curve_style,
    has_both,
    legend_below,
    literal,
    new_figure,
    note_empty,
    shorten,
    unit_square,
)

Curves = Mapping[str, tuple[NDArray[np.integer], NDArray[np.floating]]]
Place = Literal["lower right", "lower left"]
NAME_LIMIT = 48
TARGET = 0.99  # recall that is marked
MIN_COVERAGE = 0.05  # below it, a curve is too noisy to set the scale
AXES = {"risk": "share of errors among them", "recall": "recall among them"}


def roc_figure(curves: Curves, points: Mapping[str, float] | None, title: str) -> Figure:
    """ROC curves with their areas, chance level and operating points.

    Curves are labels, 0 or 1, (N,), and scores, float in [0, 1], (N,), by name, `points` thresholds
    (``score >= threshold`` is positive) by name.
    """
    figure, axes = _square(curves)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    for name, labels, scores, style in _drawable(curves):
        fpr, tpr, _ = roc_curve(labels, scores)
        label = f"{shorten(name, NAME_LIMIT)}: AUROC {areas_of(labels == 1, scores)['auroc']:.3f}"
        axes.plot(fpr, tpr, label=label, **style)
        if points and name in points:
            called = scores >= points[name]
            x, y = called[labels == 0].mean(), called[labels == 1].mean()
            words = f"recall {y:.3f}, specificity {1 - x:.3f}"
            _mark_point(axes, (x, y), style, points[name], words if len(curves) == 1 else "")
    axes.set(xlabel="false positive rate (1 - specificity)", ylabel="recall (sensitivity)")
    return _finish(figure, axes, curves, title, "lower right")


def pr_figure(curves: Curves, points: Mapping[str, float] | None, title: str) -> Figure:
    """Precision-recall curves with average precision and operating points; see `roc_figure`."""
    figure, axes = _square(curves)
    shares = [float(np.mean(labels == 1)) for _, labels, _, _ in _drawable(curves)]
    same = len({round(share, 4) for share in shares}) == 1
    if same:
        label = f"chance (prevalence {shares[0]:.3f})"
        axes.axhline(shares[0], color=GREY, linewidth=1, linestyle=":", label=label)
    for share, (name, labels, scores, style) in zip(shares, _drawable(curves), strict=True):
        precision, recall, _ = precision_recall_curve(labels, scores)
        area = areas_of(labels == 1, scores)["average_precision"]
        label = f"{shorten(name, NAME_LIMIT)}: AP {area:.3f}"
        label += "" if same else f" (chance {share:.3f})"
        axes.plot(recall, precision, drawstyle="steps-post", label=label, **style)
        if not same:  # a mark on the left edge for each, in its curve's colour
            axes.plot(0, share, "<", color=style["color"], markersize=5, clip_on=False)
        if points and name in points and (called := scores >= points[name]).any():
            x, y = called[labels == 1].mean(), (labels[called] == 1).mean()
            words = f"recall {x:.3f}, precision {y:.3f}"
            _mark_point(axes, (x, y), style, points[name], words if len(curves) == 1 else "")
    axes.set(xlabel="recall (sensitivity)", ylabel="precision (positive predictive value)")
    return _finish(figure, axes, curves, title, "lower left")


def _drawable(
    curves: Curves,
) -> Iterator[tuple[str, NDArray[np.integer], NDArray[np.floating], dict[str, Any]]]:
    """Curves with both classes; a curve keeps its style if others are left out."""
    for number, (name, (labels, scores)) in enumerate(curves.items()):
        if has_both(labels):
            yield name, labels, scores, curve_style(number)


def _mark_point(
    axes: Axes, point: tuple[float, float], style: Mapping[str, Any], threshold: float, words: str
) -> None:
    """Mark an operating point, described in the legend if there are words."""
    label = f"threshold {threshold:.3f}: {words}" if words else None
    look: Look = {"color": style["color"], "markeredgecolor": BLACK, "markersize": 8}
    axes.plot(*point, "o", label=label, clip_on=False, **look)


def _finish(figure: Figure, axes: Axes, curves: Curves, title: str, place: Place) -> Figure:
    missing = [name for name, (labels, _) in curves.items() if not has_both(labels)]
    if missing:
        note_empty(axes, f"not drawn, only one class:\n{', '.join(missing)}")
    axes.set_title(title, fontsize=11)
    handles, labels = axes.get_legend_handles_labels()
    if len(handles) > MAX_INSIDE:
        figure.legend(handles, labels, loc="outside right center", fontsize=8)
    elif handles:
        axes.legend(loc=place, frameon=True, framealpha=0.9, edgecolor="none")
    return figure


def _square(curves: Curves) -> tuple[Figure, Axes]:
    # Room for a legend beside the axes.
    figure = new_figure(5.4 + (4.0 if len(curves) + 1 > MAX_INSIDE else 0), 5.2)
    axes = figure.subplots()
    unit_square(axes)
    return figure, axes


def risk_coverage_figure(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of errors and, for two classes, recall against the share of patches kept.

    Curves are from `idc.metrics.selective_prediction.risk_coverage`, by measure of confidence; the
    largest coverage with the recall `TARGET` is marked.
    """
    curves = {name: table for name, table in curves.items() if len(table)}
    columns = list(AXES) if any(map(_has_recall, curves.values())) else ["risk"]
    figure = new_figure(5.2 * len(columns), 4.3 + 0.19 * len(curves))
    figure.suptitle("Test patches decided, most confident first")
    grid = figure.subplots(1, len(columns), squeeze=False).ravel()
    for axes, column in zip(grid, columns, strict=True):
        _draw_kept(axes, curves, column)
    legend_below(figure, list(grid), 1 if len(curves) > 1 else 2)
    return figure


def _draw_kept(axes: Axes, curves: Mapping[str, pd.DataFrame], column: str) -> None:
    axes.set(xlim=(0, 1.01), xlabel="share of patches decided", ylabel=AXES[column])
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    if not curves:
        note_empty(axes, "not drawn: nothing to measure")
    scale = [0.0, 0.05] if column == "risk" else [1.0, TARGET - 0.02]
    for number, (name, table) in enumerate(curves.items()):
        label, at = literal(name, 40), []
        if _has_recall(table):
            # The largest coverage whose recall reaches the target.
            at = np.flatnonzero(table["recall"].to_numpy(np.float64) >= TARGET)[-1:].tolist()
            reached = f"{table['coverage'].iloc[at[0]]:.0%} decided at recall" if at else ""
            label += f": {reached} {TARGET:g}" if at else f": recall {TARGET:g} not reached"
        elif column == "recall":
            continue
        coverage, values = (table[key].to_numpy(np.float64) for key in ("coverage", column))
        scale += values[(coverage >= MIN_COVERAGE) & np.isfinite(values)].tolist()
        look: Look = {"marker": MARKERS[number], "markersize": 8, "markeredgecolor": "white"}
        look |= {"markevery": at} if at else {"marker": None}
        axes.plot(coverage, values, label=label, **curve_style(number), **look)
    if column == "recall":
        axes.axhline(TARGET, color=GREY, linestyle=":", linewidth=1.2, label=f"recall {TARGET:g}")
    low, high = min(scale), max(scale)
    margin = 0.05 * (high - low)
    axes.set_ylim(max(low - margin, -0.02), min(high + margin, 1.02))


def _has_recall(table: pd.DataFrame) -> bool:
    """Whether the recall is defined: there are two classes, and positives."""
    return "recall" in table and bool(table["recall"].notna().any())
