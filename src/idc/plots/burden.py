"""Predicted against true burden (share of positive patches) of each patient."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.style import BLACK, BLUE, GREY, literal, new_figure, note_empty, tidy, unit_square
from idc.text import count

LIMITS = ("burden_limit_low", "burden_limit_high")


def burden_figure(
    table: pd.DataFrame, summary: Mapping[str, float], positive: str = "positive"
) -> Figure:
    """Scatter plot of labelled and called share of each patient, and Bland-Altman plot.

    Args:
        table: One row per patient: ``fraction_true``, ``fraction_predicted``, in [0, 1].
        summary: ``burden_bias`` and, if defined, ``burden_limit_low``, ``burden_limit_high`` and
            ``burden_concordance``; see `idc.metrics.per_patient.burden_summary`.
        positive: Name of the positive class.
    """
    name = literal(positive, 30)
    figure = new_figure(10.0, 5.2)
    left, right = figure.subplots(1, 2)
    figure.suptitle(
        f"Share of {name} patches per patient, {count(len(table), 'patient')}", fontsize=12
    )
    if table.empty:
        return no_patients(figure)
    true = table["fraction_true"].to_numpy(np.float64)
    called = table["fraction_predicted"].to_numpy(np.float64)
    left.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2, label="equal")
    _dots(left, true, called)
    unit_square(left)
    left.set(xlabel=f"labelled {name}, share of patches", ylabel=f"called {name}, share of patches")
    agreement = summary.get("burden_concordance")
    if agreement is not None:
        left.set_title(f"concordance (Lin) {agreement:.3f}", fontsize=10)
    error = called - true
    right.axhline(0, color=GREY, linestyle=":", linewidth=1.2, label="no error")
    if "burden_bias" in summary:
        bias = summary["burden_bias"]
        right.axhline(bias, color=BLACK, linewidth=1.3, label=f"mean error {bias:+.3f}")
    limits = [summary[key] for key in LIMITS if key in summary]
    for limit, label in zip(limits, (_limits_label(limits), None), strict=False):
        right.axhline(limit, color=BLACK, linestyle=(0, (5, 2)), linewidth=1.3, label=label)
    _dots(right, (true + called) / 2, error)
    reach = 1.15 * max(0.05, float(np.abs([*error, *limits]).max()))
    right.set(xlim=(-0.01, 1.01), ylim=(-reach, reach))
    right.set(xlabel="mean of labelled and called share", ylabel="error: called - labelled share")
    right.set_title("difference against mean (Bland & Altman)", fontsize=10)
    for axes in (left, right):
        tidy(axes)
        axes.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False, fontsize=9
        )
    return figure


def _limits_label(limits: Sequence[float]) -> str:
    return "95 % limits of agreement " + ", ".join(f"{limit:+.3f}" for limit in limits)


def _dots(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    axes.plot(
        x,
        y,
        linestyle="",
        marker="o",
        markersize=6,
        color=BLUE,
        alpha=0.6,
        markeredgecolor="white",
        markeredgewidth=0.5,
        label="patient",
        clip_on=False,
    )


def no_patients(figure: Figure) -> Figure:
    """Mark the axes of a figure as empty for lack of patients."""
    for axes in figure.axes:
        axes.set_axis_off()
        note_empty(axes, "no patients")
    return figure
