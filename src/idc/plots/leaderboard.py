"""A sweep's settings, best at the top."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from idc.plots.style import BLUE, SKY, new_figure, shorten, tidy


def leaderboard_figure(table: pd.DataFrame, metrics: Sequence[str]) -> Figure:
    """Dot and whisker panels, one a metric: mean, sample deviation and single runs.

    Args:
        table: A row a setting, best first: ``setting``, ``runs``, and for each metric
            ``<metric>_mean``, ``<metric>_std`` (NaN for one run), ``<metric>_values``.
        metrics: The metrics, the first of which made the order.
    """
    settings = [shorten(str(s), 52) for s in table["setting"]]
    places = np.arange(len(table))[::-1]
    names = 0.075 * max(map(len, settings))
    figure = new_figure(2.4 * len(metrics) + names, 0.5 * len(table) + 1.5)
    grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False).ravel()
    for axes, metric in zip(grid, metrics, strict=True):
        mean = table[f"{metric}_mean"].to_numpy(float)
        spread = table[f"{metric}_std"].to_numpy(float)
        for place, values in zip(places, table[f"{metric}_values"], strict=True):
            axes.plot(values, [place] * len(values), "|", color=SKY, markersize=12, zorder=1)
        axes.errorbar(mean, places, xerr=np.nan_to_num(spread), fmt="o", color=BLUE, capsize=4)
        for place, value in zip(places, mean, strict=True):
            axes.annotate(
                f"{value:.3f}",
                (value, place),
                (0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
        axes.set_xlabel(metric.removeprefix("test/").replace("_", " "))
        axes.margins(x=0.2)
        axes.set_ylim(-0.6, len(table) - 0.3)
        axes.tick_params(axis="x", labelsize=8)
        tidy(axes)
    runs = [f"{s}  (n={n})" for s, n in zip(settings, table["runs"], strict=True)]
    grid[0].set_yticks(places, runs)
    figure.suptitle("Test metrics: mean, sample deviation, single runs (bars)", fontsize=11)
    return figure
