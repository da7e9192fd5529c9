"""How many patches of which class, and of how many patients, are in each split."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from idc.plots.style import class_colours, new_figure, tidy


def balance_figure(counts: pd.DataFrame) -> Figure:
    """Bars a split and class with counts, per cent and patients.

    Args:
        counts: ``split``, ``class``, ``patches``, ``patients``; a row a split and class.
    """
    splits, classes = list(dict.fromkeys(counts["split"])), list(dict.fromkeys(counts["class"]))
    figure = new_figure(2.4 * len(splits) + 0.7 * len(classes), 4.4)
    axes = figure.subplots()
    width = 0.8 / len(classes)
    totals = counts.groupby("split")["patches"].sum()
    for number, (name, colour) in enumerate(zip(classes, class_colours(len(classes)), strict=True)):
        part = counts[counts["class"] == name].set_index("split").loc[splits]
        places = np.arange(len(splits)) + (number - (len(classes) - 1) / 2) * width
        hatch = "//" if number % 2 else ""
        bars = axes.bar(
            places, part["patches"], width, color=colour, hatch=hatch, edgecolor="white", label=name
        )
        texts = [
            f"{row['patches']:,}\n{row['patches'] / max(totals[split], 1):.0%}\n"
            f"{row['patients']} patient{'' if row['patients'] == 1 else 's'}"
            for split, row in part.iterrows()
        ]
        axes.bar_label(bars, texts, fontsize=8, padding=2)
    axes.set_xticks(range(len(splits)), [f"{s}\n{totals[s]:,} patches" for s in splits])
    axes.set_ylabel("patches")
    axes.set_title("Class balance of the split", fontsize=11)
    axes.margins(y=0.22)
    axes.legend(frameon=False, loc="upper right")
    tidy(axes)
    return figure
