"""Who can be told from whom: contestants on the axis of a metric, and every pair's difference."""

import textwrap
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from idc.plots.fan import Bar, clip_far, draw_fan, fan_depth, lanes
from idc.plots.forest import draw_forest, pair_labels, pick_pairs, turn_pairs
from idc.plots.style import BLACK, literal, new_figure, note_empty
from idc.text import count, listing, lower_is_better, metric_words, per_cent

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
    """Contestants at their value, joined by bars where they cannot be told apart.

    In the style of Demsar 2006, figure 1, but on the metric's own axis in place of mean ranks, and
    a bar joins those alone that have a dot on it.

    Args:
        values: A row a contestant: ``name``, ``value``, and ``metric`` if there are several; those
            without a finite value are only named below.
        differences: A row a pair and metric: ``metric``, ``p_holm`` (NaN: not tested), ``apart``
            (bool), ``patients``.
        groups: Names that a bar joins; see `idc.comparison.cliques`.
        metric: The metric.
        title: The figure's title.
        level: Of the test, in (0, 1).
        baselines: Names that are baselines: hollow diamonds.
    """
    named = values[values["metric"] == metric] if "metric" in values else values
    ranked = named.sort_values(["value", "name"], kind="stable")
    ranked = ranked[np.isfinite(ranked["value"].to_numpy(np.float64))]
    at = dict(zip(ranked["name"].astype(str), ranked["value"].astype(float), strict=True))
    places = clip_far(at, baselines)
    joined = [[places[name] for name in names if name in at] for names in groups]
    bars = lanes([group for group in joined if len(group) > 1])
    tested = differences[(differences["metric"] == metric) & differences["p_holm"].notna()]
    sentences = [_joined(tested, bars, len(at), level)]
    if len(tested):
        sentences.insert(0, _decide(tested))
    if bars and sum(name in baselines for name in at) > 1:
        sentences.append("Baselines are not tested against one another.")
    if places != at:
        sentences.append("An arrow points at a value beyond the axis.")
    missing = [literal(str(name), NAME) for name in named["name"] if str(name) not in at]
    if missing:
        sentences.append(f"Without a value: {listing(missing)}.")
    width = 5.2 + 0.17 * max((min(len(name), NAME) for name in at), default=0)
    below = textwrap.fill(" ".join(filter(None, sentences)), int(14 * width))
    depth = fan_depth(len(at), bars)
    figure = new_figure(width, ROW * depth + 1.2 + 0.17 * below.count("\n"))
    _title(figure, [title], width)
    figure.supxlabel(below, fontsize=9)
    axes = figure.subplots()
    if not at:
        axes.set_axis_off()
        note_empty(axes, f"no_patients has a value of {metric_words(metric)}")
        return figure
    axes.set_xlabel(f"{metric_words(metric)} ({_direction(metric)})", labelpad=8)
    texts = {name: literal(name, NAME) for name in at}
    draw_fan(axes, at, places, texts, bars, baselines)
    return figure


def differences_figure(
    differences: pd.DataFrame,
    metric: str,
    title: str = "",
    baselines: Collection[str] = (),
    level: float = 0.05,
    confidence: float = 0.95,
) -> Figure:
    """Forest plot: each pair's difference with its interval, and p after Holm's correction.

    The better one stands first, a baseline second; pairs of two baselines are left out. Of more
    than 40 pairs those with the best one are shown.

    Args:
        differences: A row a pair and metric: ``a``, ``b``, ``metric``, ``difference`` (a - b),
            ``low``, ``high``, ``p_holm``, ``apart`` (bool), ``patients``.
        metric: The metric.
        title: The figure's title.
        baselines: Names that are baselines; pairs with one have hollow diamonds.
        level: Of the test, in (0, 1).
        confidence: Of the intervals, in (0, 1).
    """
    table = turn_pairs(differences[differences["metric"] == metric], metric, baselines)
    shown = pick_pairs(table, metric)
    labels, common = pair_labels(shown, PAIRED_NAME)
    lines = [title, f"{literal(common, 100)} minus the others" if common else ""]
    if len(shown) < len(table):
        lines.append(f"the {len(shown)} pairs with the best one, of {len(table):,}")
    if len(shown):
        lines.append(_decide(shown).rstrip("."))
    width = 7.4 + 0.066 * max(map(len, labels), default=0)
    figure = new_figure(width, ROW * max(len(shown), 2) + 1.9)
    _title(figure, lines, width)
    axes = figure.subplots()
    axes.set_xlabel(
        f"difference of {metric_words(metric)} ({_direction(metric)}),\n"
        f"with {per_cent(confidence)} interval"
    )
    if shown.empty:
        axes.set(xticks=[], yticks=[])
        note_empty(axes, "no pair was tested")
        return figure
    draw_forest(figure, axes, shown, labels, level)
    return figure


def _joined(tested: pd.DataFrame, bars: Sequence[Bar], contestants: int, level: float) -> str:
    test = f"at {per_cent(level)} after Holm's correction"
    if contestants < 2:
        return "There is no_patients to compare with." if contestants else ""
    if tested.empty:
        return "No pair was tested."
    if not bars:
        return f"Every pair that was tested can be told apart {test}."
    return f"A bar joins, by its dots, those that cannot be told apart {test}."


def _decide(pairs: pd.DataFrame) -> str:
    patients = int(pairs["patients"].iloc[0])
    return f"{count(patients, 'patient')} {'decides' if patients == 1 else 'decide'}."


def _direction(metric: str) -> str:
    return "lower is better" if lower_is_better(metric) else "higher is better"


def _title(figure: Figure, lines: Sequence[str], width: float) -> None:
    wrapped = [textwrap.fill(line, int(11 * width)) for line in lines if line]
    figure.suptitle("\n".join(wrapped), fontsize=11, color=BLACK)
