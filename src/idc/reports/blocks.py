"""The building blocks of a page: texts, tables, images, folds and albums."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from idc.reports.formats import cell_text
from idc.reports.picture import Picture


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
class Notice:
    """A highlighted box.

    Attributes:
        title: Its title.
        items: Its sentences.
    """

    title: str
    items: Sequence[str]
    kind: ClassVar[str] = "notice"


@dataclass(frozen=True)
class Share:
    """A share as a hundred squares.

    Attributes:
        of: The whole, such as ``Of 100 patches labelled malignant``.
        share: The correct share, 0..1; it is rounded to hundredths.
        right: Label of the filled squares, such as ``detected``.
        wrong: Label of the crossed squares, such as ``missed``.
    """

    of: str
    share: float
    right: str
    wrong: str

    @property
    def filled(self) -> int:
        """Number of filled squares; 0 or 100 only if the share is exactly 0 or 1."""
        rounded = round(100 * self.share)
        return rounded if self.share in (0, 1) else min(max(rounded, 1), 99)


@dataclass(frozen=True)
class Shares:
    """Shares side by side."""

    items: Sequence[Share]
    kind: ClassVar[str] = "shares"


@dataclass(frozen=True)
class Table:
    """A table; integers get thousands separators, floats three digits, NaN a dash.

    Attributes:
        frame: The rows, with the column names as header; the index is not shown.
        caption: A sentence above it.
        marked: Rows to highlight, bool (len(frame),), or empty for none.
        mark: A word in the highlighted rows, so that they do not differ by colour alone.
        decimals: Decimals of every float, or None for three significant digits.
    """

    frame: pd.DataFrame
    caption: str = ""
    marked: Sequence[bool] = ()
    mark: str = "look"
    decimals: int | None = None
    kind: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        if len(self.marked) not in (0, len(self.frame)):
            raise ValueError(f"{len(self.marked)} marks for {len(self.frame)} rows")

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """Each column's name, and whether it is numeric."""
        return [
            (str(name), pd.api.types.is_numeric_dtype(self.frame[name].dtype))
            for name in self.frame.columns
        ]

    @property
    def rows(self) -> list[tuple[bool, list[tuple[str, bool]]]]:
        """Whether each row is marked, and its cells as text and whether they are numeric."""
        numeric = [is_number for _, is_number in self.heads]
        marks = list(self.marked) or [False] * len(self.frame)
        columns = [
            [cell_text(value, self.decimals) for value in self.frame[name].tolist()]
            for name in self.frame.columns
        ]
        cells = zip(*columns, strict=True)
        return [
            (bool(mark), list(zip(row, numeric, strict=True)))
            for mark, row in zip(marks, cells, strict=True)
        ]


@dataclass(frozen=True)
class AlbumItem:
    """A thumbnail that opens one image, or two side by side."""

    name: str
    facts: str
    thumbnail: Picture
    picture: Picture
    beside: Picture | None = None


@dataclass(frozen=True)
class Album:
    """Many images as thumbnails, each of which expands in place.

    Attributes:
        cards: The images.
        square: Whether thumbnails are square.
    """

    cards: Sequence[AlbumItem]
    square: bool = False
    kind: ClassVar[str] = "album"


@dataclass(frozen=True)
class Row:
    """Images side by side, if the page is wide enough."""

    pictures: Sequence[Picture]
    kind: ClassVar[str] = "row"


@dataclass(frozen=True)
class Fold:
    """Blocks that are collapsed at first."""

    summary: str
    blocks: "Sequence[Block]"
    kind: ClassVar[str] = "fold"


Block = Text | Bullets | Notice | Shares | Table | Picture | Row | Album | Fold
