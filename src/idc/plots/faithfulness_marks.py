"""Marks of verdicts and of reference images in the faithfulness figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from idc.plots.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PINK,
    SKY,
    note_empty,
)
from idc.text import decimals_for, fixed

NAME = 30  # characters of a method's name that are shown
TRUST, FAILS, EMPTY = "trust", "fails the weights check", "says nothing"


@dataclass(frozen=True)
class Mark:
    """Mark of a verdict, distinguishable by shape and filling as well as by colour."""

    sign: str
    marker: str
    colour: str
    face: str


MARKS = {
    TRUST: Mark("✓", "o", BLUE, BLUE),
    "not shown to beat random maps": Mark("≈", "D", GREY, "white"),
    FAILS: Mark("✗", "X", ORANGE, ORANGE),
    EMPTY: Mark("∅", "s", BLACK, "white"),
}
# Marker and filling of each reference image, about as dark as the image.
REFERENCES = {
    "white": ("^", "white"),
    "grey": ("v", "#999999"),
    "mean": (">", PINK),
    "black": ("<", BLACK),
    "blur": ("p", SKY),
}


def references_of(table: pd.DataFrame) -> list[str]:
    """Reference images whose gains are in a table, in the order of its columns."""
    names = [str(column).removeprefix("drop_over_random_") for column in table]
    return [name for name in names if name in REFERENCES]


def format_gain(row: Mapping[Any, Any], before: str, after: str = "") -> str:
    """Format the gain and its interval, with suitable decimals."""
    gain, low, high = (float(row[f"drop_over_random{end}"]) for end in ("", "_low", "_high"))
    if not np.isfinite([low, high]).all():
        return f"{fixed(gain, 2)}{before}no interval{after}"
    decimals = min(3, decimals_for(low, high))
    texts = [fixed(value, decimals) for value in (gain, low, high)]
    return f"{texts[0]}{before}{texts[1]} to {texts[2]}{after}"


def mark_of(row: Mapping[Any, Any]) -> Mark:
    """Mark of a row's ``verdict``."""
    return MARKS[str(row["verdict"])]


def note_empty_figure(figure: Figure, text: str) -> None:
    """Write in an empty figure why it is empty."""
    axes = figure.subplots()
    axes.set_axis_off()
    note_empty(axes, text)
