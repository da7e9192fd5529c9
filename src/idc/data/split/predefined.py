"""The split that a file names: the splits of a publication, or of an earlier run.

The CSV file travels: it names patients, or files below the data root.
"""

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

from idc.data.index import PREDEFINED
from idc.data.split.base import SPLITS, UNUSED, check_split, leaky_patients, sort_patients
from idc.data.split.subset import TrainingSubset
from idc.data.text_file import read_csv_lines
from idc.errors import ConfigError, DataError

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


@dataclass(frozen=True)
class PredefinedSplit(TrainingSubset):
    """The splits that a CSV file gives to patients or to files, or that the data set itself gives.

    Attributes:
        file: The CSV file, see `read_split_csv`; None takes the index's own splits.
        others: What becomes of data that the file does not name: ``fail`` or ``unused``.
        allow_leak: Take a file that puts a patient in two splits; such a split is leaky.
    """

    file: str | None = None
    others: Literal["fail", "unused"] = "fail"
    allow_leak: bool = False

    @property
    def leaky(self) -> bool:
        """Whether a patient may be in two splits."""
        return self.allow_leak

    def assign(self, index: pd.DataFrame) -> "pd.Series[str]":
        """Give each row its split.

        Args:
            index: The index with ``path``, ``patient`` and ``label``.

        Returns:
            ``train``, ``val``, ``test``, or "" where the file or training leaves a row out, on
            the index of `index`.

        Raises:
            ConfigError: There is no such file, the data have no splits of their own, or there are
                fewer training patients than requested.
            DataError: The file is wrong or does not fit the data, or a patient is in two splits and
                may not be.
        """
        if self.file is None:
            return self._own(index)
        given = read_split_csv(self.file)
        keys = index["patient"].astype(str) if given.column == PATIENT else index["path"]
        keys = keys.astype(object)
        place = pd.Index(given.table["key"]).get_indexer(pd.Index(keys))
        _refuse_missing(given, place, keys)
        self._refuse_uncovered(given, keys[place < 0])
        named = given.table["split"].replace(LEFT_OUT, UNUSED).to_numpy(object)
        split = pd.Series(np.where(place < 0, UNUSED, named[place]), index.index, object, "split")
        if not self.allow_leak:
            _refuse_leak(given, index, split)
        check_split(
            index,
            split,
            test_may_lack_a_class=True,
            may_leak=True,
            advice=f"Change what {given.path} puts there.",
        )
        return self.thin(index, split)

    def _own(self, index: pd.DataFrame) -> "pd.Series[str]":
        """The splits that the data set gives; see `idc.data.index.INDEX`."""
        if PREDEFINED not in index:
            raise ConfigError(
                "split.file: the data set has no splits of its own (split folders, or a split "
                "column in its table); give a CSV file, or choose split=patient."
            )
        split = index[PREDEFINED].astype(object).rename("split")
        advice = "Change the split folders, or the split column of the table."
        check_split(index, split, True, self.allow_leak, advice)
        return self.thin(index, split)

    def _refuse_uncovered(self, given: SplitFile, uncovered: "pd.Series[str]") -> None:
        if self.others == "unused" or uncovered.empty:
            return
        names = uncovered.unique()
        raise DataError(
            f"split: {given.path}, column {given.column}: it does not name {len(names)} "
            f"{given.column}(s) of the data, such as {', '.join(names[:SHOWN])}. Add them (with "
            f"{LEFT_OUT}, to leave them out), or set split.others=unused."
        )


def _refuse_missing(given: SplitFile, place: NDArray[np.intp], keys: "pd.Series[str]") -> None:
    """What is to be left out need not be there: the audit may have dropped it before."""
    present = np.zeros(len(given.table), bool)
    present[place[place >= 0]] = True
    missing = given.table[~present & (given.table["split"] != LEFT_OUT)]
    if missing.empty:
        return
    first = missing.head(SHOWN).to_dict("records")
    shown = ", ".join(f"'{row['key']}' (line {row['line']})" for row in first)
    examples = ", ".join(sorted(keys.unique())[:SHOWN])
    raise DataError(
        f"split: {given.path}, column {given.column}: {len(missing)} of its {given.column}(s) are "
        f"not in the data, or the audit dropped them: {shown}. The data hold {examples}, ...; see "
        f"data.root and audit, or write {LEFT_OUT} there."
    )


def _refuse_leak(given: SplitFile, index: pd.DataFrame, split: "pd.Series[str]") -> None:
    leaked = leaky_patients(index.assign(split=split))
    if not leaked:
        return
    own = pd.DataFrame({"path": index["path"], "split": split})
    own = own[(index["patient"].astype(str) == leaked[0]) & (split != UNUSED)]
    lines = given.table.set_index("key")["line"]
    shown = " and ".join(
        f"line {lines[row['path']]} ({row['split']})"
        for row in own.drop_duplicates("split").to_dict("records")
    )
    raise DataError(
        f"split: {given.path}, column {given.column}: {len(leaked)} patient(s) are in two splits, "
        f"such as {leaked[0]}, {shown}. Give a patient one split, or set split.allow_leak=true: "
        f"the run is then marked as leaky."
    )
