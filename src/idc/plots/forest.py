"""Differences of pairs, one below the other, beside the line of no difference."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from idc.plots.style import BLACK, BLUE, GREY, literal, tidy
from idc.text import decimals_for, fixed, lower_is_better, p_words, per_cent

MOST_PAIRS = 40


def turn_pairs(table: pd.DataFrame, metric: str, baselines: Collection[str]) -> pd.DataFrame:
    """The better one as ``a``, a baseline as ``b``; pairs with a baseline last, of two left out.

    Args:
        table: The pairs of one metric; see `idc.plots.critical_difference.differences_figure`.
        metric: The metric.
        baselines: Names that are baselines.

    Returns:
        The pairs, largest advantage first, with ``baseline`` (bool) and ``gain`` (float, the
        advantage of ``a``).
    """
    sign = -1.0 if lower_is_better(metric) else 1.0
    table = table[~(table["a"].isin(list(baselines)) & table["b"].isin(list(baselines)))]
    first, second = (table[key].isin(list(baselines)) for key in ("a", "b"))
    turned = first | (~second & (sign * table["difference"] < 0))
    swapped = table.rename(columns={"a": "b", "b": "a", "low": "high", "high": "low"})
    swapped[["difference", "low", "high"]] *= -1
    whole = pd.concat([table[~turned], swapped[turned]])
    whole = whole.assign(baseline=first | second, gain=sign * whole["difference"])
    return whole.sort_values(["baseline", "gain"], ascending=[True, False], kind="stable")


def pick_pairs(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """All of a few pairs; of more than `MOST_PAIRS` those of the one that gains most.

    Args:
        table: See `turn_pairs`.
        metric: The metric.
    """
    if len(table) <= MOST_PAIRS:
        return table
    inner = table[~table["baseline"]] if not table["baseline"].all() else table
    gains = inner.groupby("a")["gain"].sum().sub(inner.groupby("b")["gain"].sum(), fill_value=0)
    best = gains.idxmax()
    return table[(table["a"] == best) | (table["b"] == best)]


def pair_labels(table: pd.DataFrame, limit: int) -> tuple[list[str], str]:
    """Labels of pairs, and the name that stands first in all of them, if there is one.

    Args:
        table: See `turn_pairs`.
        limit: Characters of a name that are shown, where there are two.
    """
    firsts, seconds = table["a"].tolist(), table["b"].tolist()
    if len(table) > 1 and len(set(firsts)) == 1:  # one name has more room than two
        return [f"minus {literal(str(name), 3 * limit // 2)}" for name in seconds], str(firsts[0])
    pairs = zip(firsts, seconds, strict=True)
    return [f"{literal(str(a), limit)} minus {literal(str(b), limit)}" for a, b in pairs], ""


def draw_forest(
    figure: Figure, axes: Axes, table: pd.DataFrame, labels: Sequence[str], level: float
) -> None:
    """Draw a row a pair: names, difference with interval, and what the test says.

    Args:
        figure: For the legend.
        axes: Empty axes.
        table: See `turn_pairs`; at least one row.
        labels: A label a row.
        level: Of the test, in (0, 1).
    """
    axes.axvline(0, color=BLACK, linewidth=1)
    decimals = decimals_for(0.0, float((table["high"] - table["low"]).median()))
    for place, row in enumerate(table.to_dict("records")):
        told = bool(row["apart"])
        colour = BLUE if told else GREY
        axes.plot([row["low"], row["high"]], [place] * 2, color=colour, linewidth=2)
        axes.plot(
            row["difference"],
            place,
            marker="D" if row["baseline"] else "o",
            markersize=6,
            color=colour,
            markerfacecolor="white" if row["baseline"] else colour,
            markeredgewidth=1.6,
        )
        numbers = [row[key] for key in ("difference", "low", "high")]
        texts = [fixed(x, decimals) for x in numbers]
        interval = f" ({texts[1]} to {texts[2]})" if np.isfinite(numbers).all() else ""
        _beside(axes, place, 8, f"{texts[0]}{interval}")
        _beside(axes, place, 132, p_words(row["p_holm"], level))
        _beside(axes, place, 188, "told apart" if told else "not told apart", told)
    axes.set_yticks(range(len(table)), labels, fontsize=9)
    axes.set_ylim(len(table) - 0.4, -0.6)
    _beside(axes, None, 8, "difference")
    _beside(axes, None, 132, f"after Holm's correction, at {per_cent(level)}")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    tidy(axes)
    axes.grid(visible=False, axis="y")
    handles = [_mark("o", BLUE, "two contestants"), _mark("D", "white", "against a baseline")]
    if table["baseline"].any() and not table["baseline"].all():
        figure.legend(
            handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9
        )


def _beside(
    axes: Axes, place: float | None, points: float, text: str, strong: bool = False
) -> None:
    """Text right of a row, or of the top."""
    axes.annotate(
        text,
        (1, 1 if place is None else place),
        (points, 8 if place is None else 0),
        xycoords=axes.transAxes if place is None else axes.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        weight="bold" if strong else "normal",
        annotation_clip=False,
    )


def _mark(marker: str, face: str, label: str) -> Line2D:
    return Line2D([], [], color=BLUE, marker=marker, markerfacecolor=face, label=label)
