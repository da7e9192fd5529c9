"""A split as a CSV file that travels: by patient, or by file below the data root."""

import csv
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.split.base import SPLITS, UNUSED, sort_patients
from idc.data.text_file import read_csv_lines
from idc.errors import DataError

SPLIT_COLUMN, PATIENT, PATH = "split", "patient", "path"
LEFT_OUT = "unused"  # what a file says where the index says ""
# Paths that mean something else, or nothing, below another data root or on another system.
STAYS = re.compile(r"[/~]|[A-Za-z]:|.*\\|(.*/)?\.\.(/|$)", re.DOTALL)
VALUES = (*SPLITS, LEFT_OUT)
SHOWN = 5


@dataclass(frozen=True)
class SplitFile:
    """What a file says.

    Attributes:
        path: The file.
        column: What its rows name: ``patient`` or ``path``.
        table: One row per line: ``key`` (str, none twice), ``split`` (str: train, val, test or
            unused), ``line`` (int, counted from 1).
    """

    path: Path
    column: Literal["patient", "path"]
    table: pd.DataFrame


def read_split_csv(file: str | os.PathLike[str]) -> SplitFile:
    """Read a file with the columns ``split`` and either ``patient`` or ``path``; others are left.

    Raises:
        ConfigError: There is no such file.
        DataError: A line or a column is not what it must be; it is named.
    """
    lines = read_csv_lines(file, "split.file", "split", "Give a split's CSV file.", _key_column)
    column = _key_column(lines.path, lines.columns)
    if lines.table.empty:
        raise DataError(
            f"split: {lines.path} has no line below its columns: name the splits there."
        )
    keys, splits = lines.table[column], lines.table[SPLIT_COLUMN].str.strip()
    table = pd.DataFrame({"key": keys, "split": splits}).assign(line=lines.table.index)
    first = table.groupby("key")[["split", "line"]].transform("first").add_prefix("first_")
    table = table.join(first)
    table["how"] = np.where(table["first_split"] == splits, "repeats", "contradicts")
    lines = replace(lines, table=table)
    values = f"{', '.join(SPLITS)} or {LEFT_OUT}"
    lines.refuse(~splits.isin(VALUES), SPLIT_COLUMN, f"'{{split}}' is no split; give {values}")
    lines.refuse(keys == "", column, f"it is empty; name a {column}, or remove the line")
    lines.refuse(
        table["line"] != table["first_line"],
        column,
        "'{key}' ({split}) {how} line {first_line} ({first_split}). Keep one of the two",
    )
    lines.refuse(
        keys.map(lambda key: column == PATH and bool(STAYS.match(key))),
        column,
        "'{key}' is not a path below the data root. Write it as the index does: relative to "
        "data.root, with / between folders",
    )
    return SplitFile(lines.path, column, table[["key", "split", "line"]].reset_index(drop=True))


def write_split_csv(
    index: pd.DataFrame, path: str | os.PathLike[str], kept: NDArray[np.bool_] | None = None
) -> None:
    """Write a file that gives every row of an index the split that it has.

    It names patients if each has all of its rows in one split, else files. Give it the whole
    index, with the rows that are left out: they are named as ``unused``, and need not be there
    when the file is read.

    Args:
        index: ``path`` (relative to the data root), ``patient`` and ``split`` (train, val, test or
            "").
        path: The file to write.
        kept: bool (N,), the rows that the audit did not drop: whether a patient has one split is
            decided by these alone, for the audit drops the others again. None for all.

    Raises:
        DataError: A path of the index is not relative, so that the file could not travel.
    """
    named = index["split"].astype(str).where(index["split"] != UNUSED, LEFT_OUT)
    groups = index["patient"].astype(str)
    counted = np.ones(len(index), bool) if kept is None else kept
    splits = named[counted].groupby(groups[counted]).unique()
    if (splits.map(len) == 1).all():
        column = PATIENT
        one = splits.str[0].reindex(groups.unique(), fill_value=LEFT_OUT)
        rows = [(patient, one[patient]) for patient in sort_patients(one.index.tolist())]
    else:
        column = PATH
        if bad := next(filter(STAYS.match, index["path"]), None):
            raise DataError(
                f"split: {bad} is not relative to the data root, so a file that names it could "
                f"not be used elsewhere. Give paths below data.root, with / between folders."
            )
        rows = list(zip(index["path"], named, strict=True))
    with Path(path).open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([(column, SPLIT_COLUMN), *rows])


def _key_column(path: Path, header: Sequence[str]) -> Literal["patient", "path"]:
    keys = [name for name in (PATIENT, PATH) if name in header]
    counts = Counter(header)
    if counts[SPLIT_COLUMN] == 1 and len(keys) == 1 and counts[keys[0]] == 1:
        return "patient" if keys[0] == PATIENT else "path"
    raise DataError(
        f"split: {path}, line 1: the columns are {', '.join(header) or 'missing'}. It needs "
        f"'{SPLIT_COLUMN}' and one of '{PATIENT}' and '{PATH}', separated by commas."
    )
