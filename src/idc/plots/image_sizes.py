"""Widths and heights of a set's files."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from idc.plots.style import BLUE, GREY, new_figure

LARGEST = 900.0  # area of the largest mark, points squared
SMALLEST = 12.0


def sizes_figure(counts: "pd.Series[int]") -> Figure:
    """One mark per size: files (values) by ``width`` and ``height`` in pixels (index)."""
    sizes = counts.index.to_frame()
    width, height, files = (
        np.asarray(values, float) for values in (sizes["width"], sizes["height"], counts)
    )
    figure = new_figure(7.5, 5.4)
    axes = figure.subplots()
    largest = max(width.max(), height.max())
    axes.plot([0, largest], [0, largest], color=GREY, linewidth=1, linestyle=":", label="square")
    area = np.maximum(LARGEST * files / files.max(), SMALLEST)
    axes.scatter(width, height, s=area, color=BLUE, alpha=0.5, edgecolors="white", linewidths=0.6)
    most = int(files.argmax())
    axes.annotate(
        f"{files[most]:,.0f} files of {width[most]:,.0f}x{height[most]:,.0f}",
        (width[most], height[most]),
        xytext=(-14, 14),
        textcoords="offset points",
        ha="right",
        bbox={"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 2},
    )
    axes.set(xlabel="width, pixels", ylabel="height, pixels")
    axes.set(xlim=(0, 1.08 * largest), ylim=(0, 1.08 * largest))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend(loc="lower right", frameon=False)
    return figure
