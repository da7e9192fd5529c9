"""A file of corrected labels: what a review exports and a training reads."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from idc.data.csv_lines import read_csv_lines
from idc.errors import DataError
from idc.runtime.atomic import replacing

Action = Literal["relabel", "exclude"]
RELABEL: Action = "relabel"
EXCLUDE: Action = "exclude"
COLUMNS = ("path", "label_before", "action", "label_after", "readers", "reason")
FOR_PEOPLE = ("readers", "reason")  # a file may lack them
PLACE = "data.corrections"
NAME = "corrections.csv"  # a run's own copy


@dataclass(frozen=True)
class Corrections:
    """What a file says.

    Attributes:
        file: The file.
        table: One row per line: ``path`` (str, none twice), ``label_before`` (int64), ``action``
            (relabel or exclude), ``label_after`` (int64; for exclude the label before),
            ``readers`` and ``reason`` (str, for people) and ``line`` (int64, counted from 1).
    """

    file: Path
    table: pd.DataFrame


def read_corrections(file: str | os.PathLike[str]) -> Corrections:
    """Read a file with the columns path, label_before, action and label_after; others are left.

    Raises:
        ConfigError: There is no such file.
        DataError: A line or a column is not what it must be; it is named.
    """
    give = "Give the CSV file that a review exports, or null."
    path, header, lines = read_csv_lines(file, PLACE, PLACE, give, _check_header)
    rows = [_parsed(path, line, dict(zip(header, row, strict=True))) for line, row in lines]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "line"])
    whole = dict.fromkeys(("label_before", "label_after", "line"), "int64")
    texts = dict.fromkeys(("path", "action", *FOR_PEOPLE), object)
    table = table.astype({**whole, **texts})
    first = table.groupby("path")["line"].transform("first")
    for twice in table.assign(first=first)[table["line"] != first].head(1).to_dict("records"):
        raise DataError(
            f"{PLACE}: {path}, line {twice['line']}, column path: '{twice['path']}' stands in line "
            f"{twice['first']} already. Keep one of the two."
        )
    return Corrections(path, table)


def save_corrections(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a file that `read_corrections` takes.

    Args:
        table: `COLUMNS`; ``label_after`` is left empty where the action is exclude.
        path: The file to write.
    """
    shown = table[list(COLUMNS)].astype(object)
    shown["label_after"] = shown["label_after"].where(shown["action"] == RELABEL, "")
    with replacing(Path(path)) as part:
        shown.to_csv(part, index=False, encoding="utf-8", lineterminator="\n")


def _check_header(path: Path, header: list[str]) -> None:
    needed = [name for name in COLUMNS if name not in FOR_PEOPLE]
    counts = Counter(header)
    for name in COLUMNS:
        if counts[name] > 1 or (name in needed and not counts[name]):
            what = "is there twice" if counts[name] else "is missing"
            raise DataError(
                f"{PLACE}: {path}, line 1: the column {name} {what}; the columns are "
                f"{', '.join(header) or 'missing'}. It needs {', '.join(needed)}, separated by "
                f"commas."
            )


def _parsed(path: Path, line: int, row: dict[str, str]) -> dict[str, object]:
    """A line's values.

    Raises:
        DataError: One of them is not what its column requires.
    """

    def refuse(column: str, problem: str) -> DataError:
        return DataError(f"{PLACE}: {path}, line {line}, column {column}: {problem}.")

    def label(column: str) -> int:
        text = row[column].strip()
        if not (text.isascii() and text.isdigit()):
            raise refuse(column, f"'{row[column]}' is no class; give 0, 1, ...")
        return int(text)

    if not row["path"]:
        raise refuse("path", "it is empty; name a patch, or remove the line")
    action, before = row["action"].strip(), label("label_before")
    if action not in get_args(Action):
        raise refuse("action", f"'{row['action']}' is no action; give {RELABEL} or {EXCLUDE}")
    after = label("label_after") if action == RELABEL else before
    if action == RELABEL and after == before:
        raise refuse("label_after", f"{after} is the label before: nothing would change")
    texts = {name: row.get(name, "") for name in FOR_PEOPLE}
    return {
        "path": row["path"],
        "label_before": before,
        "action": action,
        "label_after": after,
        **texts,
        "line": line,
    }
