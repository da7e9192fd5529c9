"""What a page is made of: words, tables, pictures, and folds and albums of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from idc.report.picture import Picture


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    words: str
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True)
class Table:
    """A table; integers get thousands separators, floats three digits, NaN a dash.

    Attributes:
        frame: The rows; the column names head it, the index is not shown.
        caption: A sentence above it.
        marked: Rows to point out, bool (len(frame),), or empty for none.
        mark: The word that stands in the marked rows, so that it is not told by colour alone.
    """

    frame: pd.DataFrame
    caption: str = ""
    marked: Sequence[bool] = ()
    mark: str = "look"
    kind: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        if len(self.marked) not in (0, len(self.frame)):
            raise ValueError(f"{len(self.marked)} marks for {len(self.frame)} rows")

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """Each column's name, and whether it holds numbers."""
        return [
            (str(name), pd.api.types.is_numeric_dtype(self.frame[name].dtype))
            for name in self.frame.columns
        ]

    @property
    def rows(self) -> list[tuple[bool, list[tuple[str, bool]]]]:
        """Whether a row is marked, and its cells as text and whether they are numbers."""
        numeric = [is_number for _, is_number in self.heads]
        marks = list(self.marked) or [False] * len(self.frame)
        columns = [map(cell_text, self.frame[name].tolist()) for name in self.frame.columns]
        cells = zip(*columns, strict=True)
        return [
            (bool(mark), list(zip(row, numeric, strict=True)))
            for mark, row in zip(marks, cells, strict=True)
        ]


@dataclass(frozen=True)
class Card:
    """A thumbnail that opens into a picture."""

    name: str
    facts: str
    thumbnail: Picture
    picture: Picture


@dataclass(frozen=True)
class Album:
    """Many pictures as a wall of thumbnails, each of which opens in its place."""

    cards: Sequence[Card]
    kind: ClassVar[str] = "album"


@dataclass(frozen=True)
class Fold:
    """Blocks that stay shut until they are asked for."""

    summary: str
    blocks: "Sequence[Block]"
    kind: ClassVar[str] = "fold"


Block = Text | Bullets | Table | Picture | Album | Fold


def cell_text(value: object) -> str:
    """A table's cell in words."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if value is None or value is pd.NA:
        return "-"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        number = float(value)
        if np.isnan(number):
            return "-"
        # No exponents for what people count or weigh: 12,346, not 1.23e+04.
        return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
    return str(value)
