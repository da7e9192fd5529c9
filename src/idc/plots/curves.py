"""ROC and precision-recall curves of a run, of its classes, or of a sweep."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from idc.plots.style import (
    BLACK,
    GREY,
    MAX_INSIDE,
    Look,
    curve_style,
    has_both,
    new_figure,
    note_empty,
    shorten,
    unit_square,
)

Curves = Mapping[str, tuple[NDArray[np.integer], NDArray[np.floating]]]
Place = Literal["lower right", "lower left"]
NAME_LIMIT = 48


def roc_figure(curves: Curves, points: Mapping[str, float] | None, title: str) -> Figure:
    """ROC curves with their areas, chance level and operating points.

    Args:
        curves: Name to labels, 0 or 1, (N,), and scores, float in [0, 1], (N,).
        points: Name to threshold (``score >= threshold`` is positive), or None.
        title: Title of the figure.
    """
    figure, axes = _square(curves)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    for name, labels, scores, style in _drawable(curves):
        fpr, tpr, _ = roc_curve(labels, scores)
        label = f"{shorten(name, NAME_LIMIT)}: AUROC {roc_auc_score(labels, scores):.3f}"
        axes.plot(fpr, tpr, label=label, **style)
        if points and name in points:
            called = scores >= points[name]
            x, y = called[labels == 0].mean(), called[labels == 1].mean()
            words = f"recall {y:.3f}, specificity {1 - x:.3f}"
            _mark(axes, (x, y), style, points[name], words if len(curves) == 1 else "")
    axes.set(xlabel="false positive rate (1 - specificity)", ylabel="recall (sensitivity)")
    return _finish(figure, axes, curves, title, "lower right")


def pr_figure(curves: Curves, points: Mapping[str, float] | None, title: str) -> Figure:
    """Precision-recall curves with average precision, prevalence and operating points.

    Args:
        curves: As for `roc_figure`.
        points: As for `roc_figure`.
        title: Title of the figure.
    """
    figure, axes = _square(curves)
    shown: set[float] = set()
    for name, labels, scores, style in _drawable(curves):
        precision, recall, _ = precision_recall_curve(labels, scores)
        label = f"{shorten(name, NAME_LIMIT)}: AP {average_precision_score(labels, scores):.3f}"
        axes.plot(recall, precision, drawstyle="steps-post", label=label, **style)
        prevalence = float(np.mean(labels == 1))
        if round(prevalence, 4) not in shown:
            first = None if shown else f"chance (prevalence {prevalence:.3f})"
            axes.axhline(prevalence, color=GREY, linewidth=1, linestyle=":", label=first)
            shown.add(round(prevalence, 4))
        if points and name in points and (called := scores >= points[name]).any():
            x, y = called[labels == 1].mean(), (labels[called] == 1).mean()
            words = f"recall {x:.3f}, precision {y:.3f}"
            _mark(axes, (x, y), style, points[name], words if len(curves) == 1 else "")
    axes.set(xlabel="recall (sensitivity)", ylabel="precision (positive predictive value)")
    return _finish(figure, axes, curves, title, "lower left")


def _drawable(
    curves: Curves,
) -> Iterator[tuple[str, NDArray[np.integer], NDArray[np.floating], dict[str, Any]]]:
    """Curves with both classes; a curve keeps its style if others are left out."""
    for number, (name, (labels, scores)) in enumerate(curves.items()):
        if has_both(labels):
            yield name, labels, scores, curve_style(number)


def _mark(
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
