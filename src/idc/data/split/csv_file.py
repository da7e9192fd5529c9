"""A split as a CSV file that travels: by patient, or by file below the data root."""

import csv
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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
    give = "Give a split's CSV file."
    path, header, lines = read_csv_lines(file, "split.file", "split", give, _key_column)
    column = _key_column(path, header)
    if not lines:
        raise DataError(f"split: {path} has no line below its columns: name the splits there.")
    place, split = header.index(column), header.index(SPLIT_COLUMN)
    table = pd.DataFrame(
        [(row[place], row[split].strip(), line) for line, row in lines],
        columns=["key", "split", "line"],
    ).astype({"key": object, "split": object})
    _check(path, column, table)
    return SplitFile(path, column, table)


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


def _check(path: Path, column: str, table: pd.DataFrame) -> None:
    wrong = table[~table["split"].isin(VALUES)]
    for row in wrong.head(1).to_dict("records"):
        raise DataError(
            f"split: {path}, line {row['line']}, column {SPLIT_COLUMN}: '{row['split']}' is no "
            f"split; give {', '.join(VALUES[:-1])} or {LEFT_OUT}."
        )
    for row in table[table["key"] == ""].head(1).to_dict("records"):
        raise DataError(
            f"split: {path}, line {row['line']}, column {column}: it is empty; name a {column}, or "
            f"remove the line."
        )
    first = table.groupby("key")[["split", "line"]].transform("first")
    for place in table.index[table["line"] != first["line"]][:1]:
        key, split, line = table.loc[place, ["key", "split", "line"]]
        before = first.loc[place]
        how = "repeats" if before["split"] == split else "contradicts"
        raise DataError(
            f"split: {path}, line {line}, column {column}: '{key}' ({split}) {how} line "
            f"{before['line']} ({before['split']}). Keep one of the two."
        )
    if column == PATH:
        for key, line in zip(table["key"], table["line"], strict=True):
            if STAYS.match(key):
                raise DataError(
                    f"split: {path}, line {line}, column {PATH}: '{key}' is not a path below the "
                    f"data root. Write it as the index does: relative to data.root, with / between "
                    f"folders."
                )
