"""Critical-difference diagram and forest plot of pairwise differences."""

import textwrap
from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from idc.plots.style import BLACK, BLUE, GREY, distinct, empty_figure, literal, new_figure
from idc.text import count, decimals_for, fixed, format_p, lower_is_better, metric_label, per_cent

NAME = 36  # characters of a name that are shown
MAX_PAIRS = 40
ROW = 0.27  # inches


def critical_difference_figure(
    values: pd.DataFrame,
    differences: pd.DataFrame,
    metric: str,
    level: float = 0.05,
    baselines: Collection[str] = (),
) -> Figure:
    """Contestants at their value, with bars that join those without a significant difference.

    In the style of Demsar 2006, figure 1, but on the metric's axis instead of mean ranks; a bar
    joins only the contestants with a dot on it. `values` has ``name``, ``value`` and, if there are
    several, ``metric``; contestants without a finite value are listed below. `differences` has
    ``a``, ``b``, ``metric``, ``p_holm`` (NaN if not tested), ``apart`` (bool: significant at
    `level`) and ``patients``. Baselines are grey.
    """
    # Slow to import, and needed only for comparisons.
    from scikit_posthocs import critical_difference_diagram

    values = values[values["metric"] == metric] if "metric" in values else values
    values = values.assign(name=values["name"].astype(str))
    tested = differences[(differences["metric"] == metric) & differences["p_holm"].notna()]
    joined = tested[~tested["apart"].astype(bool)]
    ranked = values[np.isfinite(values["value"].to_numpy(np.float64))]
    distant = _distant(ranked, {*joined["a"], *joined["b"]}, baselines)
    ranked = ranked[~distant]
    if ranked.empty:
        return empty_figure(f"no value of {metric_label(metric)}")
    names = ranked["name"].tolist()
    words = [
        f"{short} (baseline)" if name in baselines else short
        for name, short in zip(names, distinct(names, NAME), strict=True)
    ]
    place = {name: number for number, name in enumerate(names)}
    p_values = np.eye(len(names))  # 1 for pairs that a bar joins
    for row in joined.to_dict("records"):
        if row["a"] in place and row["b"] in place:
            i, j = place[row["a"]], place[row["b"]]
            p_values[i, j] = p_values[j, i] = 1
    width = 5.6 + 0.15 * max(map(len, words))
    figure = new_figure(width, ROW * (len(names) // 2 + int(p_values.sum(1).max())) + 1.9)
    axes = figure.subplots()
    axes.grid(visible=False)
    axes.spines["top"].set_visible(True)
    numbers = ranked["value"].to_numpy(np.float64)
    drawn = critical_difference_diagram(
        pd.Series(numbers, words),
        pd.DataFrame(p_values, words, words),
        alpha=level,
        ax=axes,
        label_fmt_left="{label}  {rank:.3f}",
        label_fmt_right="{rank:.3f}  {label}",
        text_h_margin=0.05 * float(np.ptp(numbers)) or 0.01,
        color_palette={
            w: GREY if n in baselines else BLACK for n, w in zip(names, words, strict=True)
        },
        crossbar_props={"color": BLUE, "marker": "o", "linewidth": 2.5},
        elbow_props={"linewidth": 0.9},
    )
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(f"{metric_label(metric)} ({_direction(metric)})", labelpad=8)
    axes.xaxis.set_label_position("top")
    test = f"at {per_cent(level)} after Holm's correction, {_sample_size(tested)}."
    sentences = []
    if len(tested):
        bars = "Bars join by their dots contestants without a significant difference"
        sentences = [f"{bars if drawn['crossbars'] else 'All pairs differ significantly'} {test}"]
    elif len(names) > 1:
        sentences = ["No pair was tested."]
    if sum(name in baselines for name in names) > 1:
        sentences.append("Pairs of baselines are not tested.")
    for name, value in zip(values["name"], values["value"], strict=True):
        if name not in place:
            where = f"far off, at {value:.3f}" if np.isfinite(value) else "without a value"
            sentences.append(f"{literal(name, NAME)}: {where}.")
    figure.supxlabel(textwrap.fill(" ".join(sentences), int(13 * width)))
    return figure


def differences_figure(
    differences: pd.DataFrame, metric: str, baselines: Collection[str] = (), level: float = 0.05
) -> Figure:
    """Forest plot: difference of each pair with its interval, and p after Holm's correction.

    The better contestant comes first, a baseline second; pairs of baselines are left out. Of more
    than 40 pairs those with the best contestant are shown. The table is as for
    `critical_difference_figure`, with ``difference`` (a - b) and its ``low`` and ``high``.
    """
    table = _order_pairs(differences[differences["metric"] == metric], metric, baselines)
    if table.empty:
        return empty_figure("no pair was tested")
    shown = table
    if len(table) > MAX_PAIRS:
        settings = table if table["baseline"].all() else table[~table["baseline"]]
        gains = settings.groupby("a")["gain"].sum()
        best = gains.sub(settings.groupby("b")["gain"].sum(), fill_value=0).idxmax()
        shown = table[(table["a"] == best) | (table["b"] == best)]
    pairs = zip(shown["a"], shown["b"], strict=True)
    labels = [f"{literal(str(a), NAME)} minus {literal(str(b), NAME)}" for a, b in pairs]
    title = _sample_size(shown)
    if len(shown) < len(table):
        title += f"; the {len(shown)} of {len(table):,} pairs with the best one"
    width = 7.4 + 0.066 * max(map(len, labels))
    figure = new_figure(width, ROW * max(len(shown), 2) + 2.1)
    figure.suptitle(title)
    axes = figure.subplots()
    axes.axvline(0, color=BLACK, linewidth=1)
    decimals = decimals_for(0.0, float((shown["high"] - shown["low"]).median()))
    texts = []
    for y, row in enumerate(shown.to_dict("records")):
        colour = BLUE if row["apart"] else GREY
        marker, face = ("D", "white") if row["baseline"] else ("o", colour)
        axes.plot([row["low"], row["high"]], [y] * 2, color=colour, linewidth=2)
        axes.plot(
            row["difference"], y, color=colour, marker=marker, markerfacecolor=face,
            markeredgewidth=1.6,
        )  # fmt: skip
        numbers = [fixed(row[key], decimals) for key in ("difference", "low", "high")]
        interval = f" ({numbers[1]} to {numbers[2]})" if np.isfinite(row["low"]) else ""
        verdict = "significant" if row["apart"] else "not significant"
        texts.append(f"{numbers[0]}{interval},  {format_p(row['p_holm'], level)},  {verdict}")
    axes.set_yticks(range(len(shown)), labels)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(range(len(shown)), texts)
    beside.tick_params(length=0)
    beside.spines[:].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(
        f"difference of {metric_label(metric)} ({_direction(metric)}),\n"
        f"with {per_cent(1 - level)} interval"
    )
    note = f"p is Holm-corrected, significant at {per_cent(level)}"
    figure.supxlabel(f"{note}; diamonds: against a baseline" if table["baseline"].any() else note)
    return figure


def _distant(
    ranked: pd.DataFrame, joined: Collection[str], baselines: Collection[str]
) -> "pd.Series[bool]":
    """Whether contestants are baselines that no bar joins and that would squeeze the others."""
    optional = ranked["name"].isin(list(baselines)) & ~ranked["name"].isin(list(joined))
    others = ranked["value"][~optional]
    room = max(1.5 * float(np.ptp(others)), 0.15) if len(others) else np.inf
    return optional & ~ranked["value"].between(others.min() - room, others.max() + room)


def _order_pairs(table: pd.DataFrame, metric: str, baselines: Collection[str]) -> pd.DataFrame:
    """Order pairs: better contestant as ``a``, baseline as ``b``, the largest advantage first."""
    sign = -1.0 if lower_is_better(metric) else 1.0
    first, second = (table[key].isin(list(baselines)) for key in ("a", "b"))
    table = table.assign(baseline=first | second)[~(first & second)]
    swap = table["a"].isin(list(baselines))
    swap |= ~table["baseline"] & (sign * table["difference"] < 0)
    swapped = table.rename(columns={"a": "b", "b": "a", "low": "high", "high": "low"})
    swapped[["difference", "low", "high"]] *= -1
    ordered = pd.concat([table[~swap], swapped[swap]])
    ordered = ordered.assign(gain=sign * ordered["difference"])
    return ordered.sort_values(["baseline", "gain"], ascending=[True, False], kind="stable")


def _sample_size(pairs: pd.DataFrame) -> str:
    return f"tested on {count(int(pairs['patients'].iloc[0]), 'patient')}" if len(pairs) else ""


def _direction(metric: str) -> str:
    return "lower is better" if lower_is_better(metric) else "higher is better"
