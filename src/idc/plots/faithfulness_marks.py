"""What the figures of faithfulness share: marks of verdicts, and words."""

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


TRUST = "trust"


FAILS = "fails the weights check"


EMPTY = "says nothing"


@dataclass(frozen=True)
class Mark:
    """How a verdict is drawn: told apart by shape and filling as well as by colour."""

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
# What stands in a pixel's place: marker and filling, about as dark as the thing itself.
BASELINES = {
    "white": ("^", "white"),
    "grey": ("v", "#999999"),
    "mean": (">", PINK),
    "black": ("<", BLACK),
    "blur": ("p", SKY),
}


def references_of(table: pd.DataFrame) -> list[str]:
    """The baselines whose own gains are in a table, in the order of its columns."""
    names = [str(column).removeprefix("drop_over_random_") for column in table]
    return [name for name in names if name in BASELINES]


def gain_words(row: Mapping[Any, Any], before: str, after: str = "") -> str:
    """The gain and its interval, with the decimals that the interval needs."""
    gain, low, high = (float(row[f"drop_over_random{end}"]) for end in ("", "_low", "_high"))
    if not np.isfinite([low, high]).all():
        return f"{fixed(gain, 2)}{before}no interval{after}"
    decimals = min(3, decimals_for(low, high))
    texts = [fixed(value, decimals) for value in (gain, low, high)]
    return f"{texts[0]}{before}{texts[1]} to {texts[2]}{after}"


def mark_of(row: Mapping[Any, Any]) -> Mark:
    """How a row's ``verdict`` is drawn."""
    return MARKS[str(row["verdict"])]


def note_empty_figure(figure: Figure, text: str) -> None:
    """Say in an empty figure why it is empty."""
    axes = figure.subplots()
    axes.set_axis_off()
    note_empty(axes, text)
