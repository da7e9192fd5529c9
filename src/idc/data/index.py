"""The index: one table with one row per image, and the meaning of its columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from idc.errors import DataError

UNKNOWN = -1  # the label of an image whose class cannot be determined
POSITION = ("x", "y")
PREDEFINED = "predefined_split"
STAIN = "stain"


@dataclass(frozen=True)
class Column:
    """A column of the index.

    Attributes:
        dtype: Its pandas type.
        meaning: What it holds.
        optional: Whether a data set may lack it.
    """

    dtype: str
    meaning: str
    optional: bool = False


# What a source lists. `idc.data.facts.measure`, the audit and the split add columns of their own;
# a source may add more, such as what it needs to draw an image.
INDEX: Mapping[str, Column] = {
    "path": Column("object", "The image's name: its file below data.root, with / between folders."),
    "label": Column("int64", "The class, 0..k-1; of two classes 1 is the positive. -1: unknown."),
    "patient": Column("object", "Who the image is of; all images of a patient share a split."),
    "checks": Column("object", "Findings about the name, joined by commas; usually empty."),
    "x": Column("int64", "Left edge of the patch on its slide, in pixels.", optional=True),
    "y": Column("int64", "Upper edge of the patch on its slide, in pixels.", optional=True),
    PREDEFINED: Column(
        "object", "The split that the data set itself gives: train, val, test or ''.", optional=True
    ),
    STAIN: Column(
        "object", "How the tissue was stained, '' if it was not; absent for H&E.", optional=True
    ),
}


def conform(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """The table as an index: every column of the schema with its type.

    Args:
        table: What a source lists; ``checks`` may be left out if there are none.
        source: Its name, for messages.

    Raises:
        DataError: A column is missing or has the wrong type, a path occurs twice, or there is an x
            without a y.
    """
    table = table.reset_index(drop=True)
    if "checks" not in table:
        table["checks"] = ""
    lacking = [name for name, c in INDEX.items() if not c.optional and name not in table]
    if ("x" in table) != ("y" in table):
        lacking.append("y" if "x" in table else "x")
    if lacking:
        raise DataError(f"data source {source}: its list of images lacks {', '.join(lacking)}.")
    try:
        table = table.astype({name: c.dtype for name, c in INDEX.items() if name in table})
    except (TypeError, ValueError) as error:
        raise DataError(f"data source {source}: its list of images: {error}.") from error
    if (twice := table["path"].duplicated()).any():
        raise DataError(f"data source {source}: {table['path'][twice].iloc[0]} is listed twice.")
    return table


def has_positions(table: pd.DataFrame) -> bool:
    """Whether the rows of an index, or of predictions, have a position on a slide.

    Without one there are no slide maps, regions, smoothing, overlaps or surroundings.
    """
    return set(POSITION) <= set(table.columns)


def position_words(row: "Mapping[Any, Any] | pd.Series[Any]", between: str = "  ") -> str:
    """The position of a row, such as ``x 51  y 101``; "" if the set has none."""
    return between.join(f"{name} {row[name]}" for name in POSITION if name in row)
