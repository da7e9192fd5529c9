"""Forest plot of the differences of pairs."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from idc.plots.style import BLACK, BLUE, GREY, literal, tidy
from idc.text import decimals_for, fixed, format_p, lower_is_better, per_cent

MAX_PAIRS = 40


def order_pairs(table: pd.DataFrame, metric: str, baselines: Collection[str]) -> pd.DataFrame:
    """Order pairs: better contestant as ``a``, baseline as ``b``, pairs of baselines dropped.

    Args:
        table: Pairs of one metric; see `idc.plots.critical_difference.differences_figure`.
        metric: The metric.
        baselines: Names of baselines.

    Returns:
        The pairs, largest advantage first, those with a baseline last, with ``baseline`` (bool) and
        ``gain`` (float, the advantage of ``a``).
    """
    sign = -1.0 if lower_is_better(metric) else 1.0
    table = table[~(table["a"].isin(list(baselines)) & table["b"].isin(list(baselines)))]
    first, second = (table[key].isin(list(baselines)) for key in ("a", "b"))
    swap = first | (~second & (sign * table["difference"] < 0))
    swapped = table.rename(columns={"a": "b", "b": "a", "low": "high", "high": "low"})
    swapped[["difference", "low", "high"]] *= -1
    ordered = pd.concat([table[~swap], swapped[swap]])
    ordered = ordered.assign(baseline=first | second, gain=sign * ordered["difference"])
    return ordered.sort_values(["baseline", "gain"], ascending=[True, False], kind="stable")


def select_pairs(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Select all of up to `MAX_PAIRS` pairs; of more those with the best contestant.

    Args:
        table: See `order_pairs`.
        metric: The metric.
    """
    if len(table) <= MAX_PAIRS:
        return table
    settings_only = table[~table["baseline"]] if not table["baseline"].all() else table
    gains = (
        settings_only.groupby("a")["gain"]
        .sum()
        .sub(settings_only.groupby("b")["gain"].sum(), fill_value=0)
    )
    best = gains.idxmax()
    return table[(table["a"] == best) | (table["b"] == best)]


def pair_labels(table: pd.DataFrame, limit: int) -> tuple[list[str], str]:
    """Labels of pairs, and the first name if it is common to all of them.

    Args:
        table: See `order_pairs`.
        limit: Characters of a name in a label of two.
    """
    firsts, seconds = table["a"].tolist(), table["b"].tolist()
    if len(table) > 1 and len(set(firsts)) == 1:
        return [f"minus {literal(str(name), 3 * limit // 2)}" for name in seconds], str(firsts[0])
    pairs = zip(firsts, seconds, strict=True)
    return [f"{literal(str(a), limit)} minus {literal(str(b), limit)}" for a, b in pairs], ""


def draw_forest(
    figure: Figure, axes: Axes, table: pd.DataFrame, labels: Sequence[str], level: float
) -> None:
    """Draw one row per pair: names, difference with interval, and test result.

    Args:
        figure: Figure of the legend.
        axes: Empty axes.
        table: See `order_pairs`; at least one row.
        labels: Label of each row.
        level: Significance level, in (0, 1).
    """
    axes.axvline(0, color=BLACK, linewidth=1)
    decimals = decimals_for(0.0, float((table["high"] - table["low"]).median()))
    for y, row in enumerate(table.to_dict("records")):
        significant = bool(row["apart"])
        colour = BLUE if significant else GREY
        axes.plot([row["low"], row["high"]], [y] * 2, color=colour, linewidth=2)
        axes.plot(
            row["difference"],
            y,
            marker="D" if row["baseline"] else "o",
            markersize=6,
            color=colour,
            markerfacecolor="white" if row["baseline"] else colour,
            markeredgewidth=1.6,
        )
        numbers = [row[key] for key in ("difference", "low", "high")]
        texts = [fixed(x, decimals) for x in numbers]
        interval = f" ({texts[1]} to {texts[2]})" if np.isfinite(numbers).all() else ""
        _write_beside(axes, y, 8, f"{texts[0]}{interval}")
        _write_beside(axes, y, 132, format_p(row["p_holm"], level))
        _write_beside(
            axes, y, 188, "significant" if significant else "not significant", significant
        )
    axes.set_yticks(range(len(table)), labels, fontsize=9)
    axes.set_ylim(len(table) - 0.4, -0.6)
    _write_beside(axes, None, 8, "difference")
    _write_beside(axes, None, 132, f"Holm-corrected, at {per_cent(level)}")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    tidy(axes)
    axes.grid(visible=False, axis="y")
    handles = [_mark("o", BLUE, "two contestants"), _mark("D", "white", "against a baseline")]
    if table["baseline"].any() and not table["baseline"].all():
        figure.legend(
            handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9
        )


def _write_beside(
    axes: Axes, y: float | None, points: float, text: str, bold: bool = False
) -> None:
    """Write text to the right of a row, or above the rows."""
    axes.annotate(
        text,
        (1, 1 if y is None else y),
        (points, 8 if y is None else 0),
        xycoords=axes.transAxes if y is None else axes.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        weight="bold" if bold else "normal",
        annotation_clip=False,
    )


def _mark(marker: str, face: str, label: str) -> Line2D:
    return Line2D([], [], color=BLUE, marker=marker, markerfacecolor=face, label=label)
