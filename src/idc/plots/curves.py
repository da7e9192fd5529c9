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
    curve_style,
    has_both,
    legend,
    new_figure,
    note_empty,
    shorten,
    tidy,
    unit_square,
)

Curves = Mapping[str, tuple[NDArray[np.integer], NDArray[np.floating]]]
NAME_LIMIT = 48


def roc_figure(curves: Curves, points: Mapping[str, float] | None, title: str) -> Figure:
    """ROC curves with their areas, chance level and operating points.

    Args:
        curves: Name to labels, 0 or 1, (N,), and scores, float in [0, 1], (N,).
        points: Name to threshold (``score >= threshold`` is positive), or None.
        title: Title of the figure.
    """
    figure, axes = _square(len(curves))
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    for name, labels, scores, style in _drawable(curves):
        fpr, tpr, _ = roc_curve(labels, scores)
        area = roc_auc_score(labels, scores)
        label = f"{shorten(name, NAME_LIMIT)}: AUROC {area:.3f}"
        axes.plot(fpr, tpr, label=label, **style)
        if points and name in points:
            called = scores >= points[name]
            x, y = called[labels == 0].mean(), called[labels == 1].mean()
            note = f"threshold {points[name]:.3f}\nrecall {y:.3f}, specificity {1 - x:.3f}"
            left = x < 0.55
            _mark(
                axes,
                (x, y),
                style,
                note if len(curves) == 1 else None,
                xytext=(14 if left else -14, -18),
                ha="left" if left else "right",
                va="top",
            )
    axes.set(xlabel="false positive rate (1 - specificity)", ylabel="recall (sensitivity)")
    return _finish(figure, axes, curves, title, "lower right")


def pr_figure(curves: Curves, points: Mapping[str, float] | None, title: str) -> Figure:
    """Precision-recall curves with average precision, prevalence and operating points.

    Args:
        curves: As for `roc_figure`.
        points: As for `roc_figure`.
        title: Title of the figure.
    """
    figure, axes = _square(len(curves))
    shown: set[float] = set()
    for name, labels, scores, style in _drawable(curves):
        precision, recall, _ = precision_recall_curve(labels, scores)
        area = average_precision_score(labels, scores)
        label = f"{shorten(name, NAME_LIMIT)}: AP {area:.3f}"
        axes.plot(recall, precision, drawstyle="steps-post", label=label, **style)
        prevalence = float(np.mean(labels == 1))
        if round(prevalence, 4) not in shown:
            first = "" if shown else f"chance (prevalence {prevalence:.3f})"
            axes.axhline(prevalence, color=GREY, linewidth=1, linestyle=":", label=first or None)
            shown.add(round(prevalence, 4))
        if points and name in points:
            called = scores >= points[name]
            if called.any():
                x, y = called[labels == 1].mean(), (labels[called] == 1).mean()
                note = f"threshold {points[name]:.3f}\nrecall {x:.3f}, precision {y:.3f}"
                above = y < 0.3
                _mark(
                    axes,
                    (x, y),
                    style,
                    note if len(curves) == 1 else None,
                    xytext=(-12, 12 if above else -12),
                    ha="right" if x > 0.45 else "left",
                    va="bottom" if above else "top",
                )
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
    axes: Axes,
    point: tuple[float, float],
    style: Mapping[str, Any],
    note: str | None,
    **place: Any,
) -> None:
    axes.plot(*point, "o", color=style["color"], markeredgecolor=BLACK, markersize=8)
    if note is not None:
        axes.annotate(note, point, textcoords="offset points", fontsize=9, **place)


def _finish(
    figure: Figure,
    axes: Axes,
    curves: Curves,
    title: str,
    place: Literal["lower right", "lower left"],
) -> Figure:
    missing = [name for name, (labels, _) in curves.items() if not has_both(labels)]
    if missing:
        note_empty(axes, f"not drawn, only one class:\n{', '.join(missing)}")
    axes.set_title(title, fontsize=11)
    legend(axes, place)
    return figure


def _square(curves: int) -> tuple[Figure, Axes]:
    # Room for a legend beside the axes.
    figure = new_figure(5.4 + (4.0 if curves + 1 > MAX_INSIDE else 0), 5.2)
    axes = figure.subplots()
    unit_square(axes)
    tidy(axes)
    return figure, axes
