"""Critical-difference diagram and forest plot of pairwise differences."""

import textwrap
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from idc.plots.fan import Bar, clip_distant, draw_fan, fan_depth, lanes
from idc.plots.forest import draw_forest, order_pairs, pair_labels, select_pairs
from idc.plots.style import BLACK, literal, new_figure, note_empty
from idc.text import count, listing, lower_is_better, metric_label, per_cent

NAME, PAIRED_NAME = 36, 30  # characters of a name that are shown
ROW = 0.27  # inches


def critical_difference_figure(
    values: pd.DataFrame,
    differences: pd.DataFrame,
    groups: Sequence[Sequence[str]],
    metric: str,
    title: str = "",
    level: float = 0.05,
    baselines: Collection[str] = (),
) -> Figure:
    """Contestants at their value, with bars that join those without a significant difference.

    In the style of Demsar 2006, figure 1, but on the metric's axis instead of mean ranks; a bar
    joins only the contestants with a dot on it.

    Args:
        values: One row per contestant: ``name``, ``value``, and ``metric`` if there are several;
            those without a finite value are listed below.
        differences: One row per pair and metric: ``metric``, ``p_holm`` (NaN if not tested),
            ``apart`` (bool: significant), ``patients``.
        groups: Names that a bar joins; see `idc.comparison.cliques`.
        metric: The metric.
        title: Title of the figure.
        level: Significance level, in (0, 1).
        baselines: Names of baselines, drawn as hollow diamonds.
    """
    named = values[values["metric"] == metric] if "metric" in values else values
    ranked = named.sort_values(["value", "name"], kind="stable")
    ranked = ranked[np.isfinite(ranked["value"].to_numpy(np.float64))]
    value_of = dict(zip(ranked["name"].astype(str), ranked["value"].astype(float), strict=True))
    places = clip_distant(value_of, baselines)
    joined = [[places[name] for name in names if name in value_of] for names in groups]
    bars = lanes([group for group in joined if len(group) > 1])
    tested = differences[(differences["metric"] == metric) & differences["p_holm"].notna()]
    sentences = [_legend(tested, bars, len(value_of), level)]
    if len(tested):
        sentences.insert(0, f"Tested on {_sample_size(tested)}.")
    if bars and sum(name in baselines for name in value_of) > 1:
        sentences.append("Pairs of baselines are not tested.")
    if places != value_of:
        sentences.append("Arrows mark values beyond the axis.")
    missing = [literal(str(name), NAME) for name in named["name"] if str(name) not in value_of]
    if missing:
        sentences.append(f"Without a value: {listing(missing)}.")
    width = 5.2 + 0.17 * max((min(len(name), NAME) for name in value_of), default=0)
    footnote = textwrap.fill(" ".join(filter(None, sentences)), int(14 * width))
    depth = fan_depth(len(value_of), bars)
    figure = new_figure(width, ROW * depth + 1.2 + 0.17 * footnote.count("\n"))
    _title(figure, [title], width)
    figure.supxlabel(footnote, fontsize=9)
    axes = figure.subplots()
    if not value_of:
        axes.set_axis_off()
        note_empty(axes, f"no value of {metric_label(metric)}")
        return figure
    axes.set_xlabel(f"{metric_label(metric)} ({_direction(metric)})", labelpad=8)
    texts = {name: literal(name, NAME) for name in value_of}
    draw_fan(axes, value_of, places, texts, bars, baselines)
    return figure


def differences_figure(
    differences: pd.DataFrame,
    metric: str,
    title: str = "",
    baselines: Collection[str] = (),
    level: float = 0.05,
    confidence: float = 0.95,
) -> Figure:
    """Forest plot: difference of each pair with its interval, and p after Holm's correction.

    The better contestant comes first, a baseline second; pairs of baselines are left out. Of more
    than 40 pairs those with the best contestant are shown.

    Args:
        differences: One row per pair and metric: ``a``, ``b``, ``metric``, ``difference`` (a - b),
            ``low``, ``high``, ``p_holm``, ``apart`` (bool: significant), ``patients``.
        metric: The metric.
        title: Title of the figure.
        baselines: Names of baselines; pairs with one have hollow diamonds.
        level: Significance level, in (0, 1).
        confidence: Nominal coverage of the intervals, in (0, 1).
    """
    table = order_pairs(differences[differences["metric"] == metric], metric, baselines)
    shown = select_pairs(table, metric)
    labels, common = pair_labels(shown, PAIRED_NAME)
    lines = [title, f"{literal(common, 100)} minus the others" if common else ""]
    if len(shown) < len(table):
        lines.append(f"the {len(shown)} of {len(table):,} pairs with the best one")
    if len(shown):
        lines.append(_sample_size(shown))
    width = 7.4 + 0.066 * max(map(len, labels), default=0)
    figure = new_figure(width, ROW * max(len(shown), 2) + 1.9)
    _title(figure, lines, width)
    axes = figure.subplots()
    axes.set_xlabel(
        f"difference of {metric_label(metric)} ({_direction(metric)}),\n"
        f"with {per_cent(confidence)} interval"
    )
    if shown.empty:
        axes.set(xticks=[], yticks=[])
        note_empty(axes, "no pair was tested")
        return figure
    draw_forest(figure, axes, shown, labels, level)
    return figure


def _legend(tested: pd.DataFrame, bars: Sequence[Bar], contestants: int, level: float) -> str:
    test = f"at {per_cent(level)} after Holm's correction"
    if contestants < 2:
        return "There is nothing to compare with." if contestants else ""
    if tested.empty:
        return "No pair was tested."
    if not bars:
        return f"All tested pairs differ significantly {test}."
    return f"Bars join, by their dots, contestants without a significant difference {test}."


def _sample_size(pairs: pd.DataFrame) -> str:
    return count(int(pairs["patients"].iloc[0]), "patient")


def _direction(metric: str) -> str:
    return "lower is better" if lower_is_better(metric) else "higher is better"


def _title(figure: Figure, lines: Sequence[str], width: float) -> None:
    wrapped = [textwrap.fill(line, int(11 * width)) for line in lines if line]
    figure.suptitle("\n".join(wrapped), fontsize=11, color=BLACK)
