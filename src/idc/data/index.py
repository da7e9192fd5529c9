"""The index: one table with one row per image, and the meaning of its columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.errors import DataError

UNKNOWN = -1  # the label of an image whose class cannot be determined
POSITION = ("x", "y")
PREDEFINED = "predefined_split"
STAIN = "stain"
LABELS, JOINT = "labels", "|"
WEIGHT = "weight"

# What a source lists, with types. `idc.data.facts.measure`, the audit and the split add columns of
# their own; a source may add more, such as what it needs to draw an image.
INDEX = {
    "path": "object",  # the image's name: its file below data.root, with / between folders
    "label": "int64",  # the class, 0..k-1; of two classes 1 is the positive; -1 if it is unknown
    LABELS: "object",  # absent unless an image may have several: their names, joined by |, and
    # `label` is 1 if it has any
    "patient": "object",  # who the image is of; all images of a patient share a split
    "checks": "object",  # findings about the name, joined by commas; usually empty
    "x": "int64",  # left edge of the patch on its slide, in pixels
    "y": "int64",  # upper edge of the patch on its slide, in pixels
    PREDEFINED: "object",  # the split that the data set itself gives: train, val, test or ""
    WEIGHT: "float64",  # how often the image is drawn in training, relative to others; 0: never
    STAIN: "object",  # how the tissue was stained, "" if it was not; absent for H&E
}
OPTIONAL = (LABELS, *POSITION, PREDEFINED, WEIGHT, STAIN)  # columns that a data set may lack


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
    lacking = [name for name in INDEX if name not in OPTIONAL and name not in table]
    if ("x" in table) != ("y" in table):
        lacking.append("y" if "x" in table else "x")
    if lacking:
        raise DataError(f"data source {source}: its list of images lacks {', '.join(lacking)}.")
    try:
        table = table.astype({name: kind for name, kind in INDEX.items() if name in table})
    except (TypeError, ValueError) as error:
        raise DataError(f"data source {source}: its list of images: {error}.") from error
    if (twice := table["path"].duplicated()).any():
        raise DataError(f"data source {source}: {table['path'][twice].iloc[0]} is listed twice.")
    return table


def is_multi_label(table: pd.DataFrame) -> bool:
    """Whether images may have several labels, or none, each of them a class of its own."""
    return LABELS in table


def class_members(table: pd.DataFrame, class_names: Sequence[str]) -> NDArray[np.bool_]:
    """Which classes each image is of, bool (N, k): one, or any number where it has several labels.

    Args:
        table: An index, or predictions.
        class_names: One name per class.
    """
    if not is_multi_label(table):
        return np.asarray(table["label"].to_numpy()[:, None] == np.arange(len(class_names)))
    has = table[LABELS].astype(str).str.get_dummies(JOINT)
    return has.reindex(columns=list(class_names), fill_value=0).to_numpy(bool)


def label_codes(table: pd.DataFrame) -> NDArray[np.int64]:
    """A number for what each image is labelled: the class, or the set of its labels."""
    if is_multi_label(table):
        return pd.factorize(table[LABELS])[0].astype(np.int64)
    return table["label"].to_numpy(np.int64)


def has_positions(table: pd.DataFrame) -> bool:
    """Whether the rows of an index, or of predictions, have a position on a slide.

    Without one there are no slide maps, regions, smoothing, overlaps or surroundings.
    """
    return set(POSITION) <= set(table.columns)


def position_words(row: "Mapping[Any, Any] | pd.Series[Any]", between: str = "  ") -> str:
    """The position of a row, such as ``x 51  y 101``; "" if the set has none."""
    return between.join(f"{name} {row[name]}" for name in POSITION if name in row)
