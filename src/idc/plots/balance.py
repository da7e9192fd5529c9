"""How many patches of which class, and of how many patients, stand on each side."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from idc.plots.style import class_colours, new_figure, tidy


def balance_figure(counts: pd.DataFrame) -> Figure:
    """Bars a side and class with counts, per cent and patients.

    Args:
        counts: ``split``, ``class``, ``patches``, ``patients``; a row a side and class.
    """
    sides, classes = list(dict.fromkeys(counts["split"])), list(dict.fromkeys(counts["class"]))
    figure = new_figure(2.4 * len(sides) + 0.7 * len(classes), 4.4)
    axes = figure.subplots()
    width = 0.8 / len(classes)
    totals = counts.groupby("split")["patches"].sum()
    for number, (name, colour) in enumerate(zip(classes, class_colours(len(classes)), strict=True)):
        part = counts[counts["class"] == name].set_index("split").loc[sides]
        places = np.arange(len(sides)) + (number - (len(classes) - 1) / 2) * width
        hatch = "//" if number % 2 else ""
        bars = axes.bar(
            places, part["patches"], width, color=colour, hatch=hatch, edgecolor="white", label=name
        )
        texts = [
            f"{row['patches']:,}\n{row['patches'] / max(totals[side], 1):.0%}\n"
            f"{row['patients']} patient{'' if row['patients'] == 1 else 's'}"
            for side, row in part.iterrows()
        ]
        axes.bar_label(bars, texts, fontsize=8, padding=2)
    axes.set_xticks(range(len(sides)), [f"{s}\n{totals[s]:,} patches" for s in sides])
    axes.set_ylabel("patches")
    axes.set_title("Class balance of the split", fontsize=11)
    axes.margins(y=0.22)
    axes.legend(frameon=False, loc="upper right")
    tidy(axes)
    return figure
