"""Corrected labels: the file that a review exports, and the index with what it corrects."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.audit import findings as f
from idc.data.audit.audit import one_class
from idc.data.audit.duplicates import first_of_equal, several_labels
from idc.data.index import is_multi_label, label_codes
from idc.data.text_file import Lines, read_csv_lines
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
    lines = read_csv_lines(file, PLACE, PLACE, give, _check_header)
    raw = pd.DataFrame({n: lines.table.get(n, "") for n in COLUMNS})
    lines = replace(lines, table=raw)
    action = raw["action"].str.strip()
    lines.refuse(raw["path"] == "", "path", "it is empty; name a patch, or remove the line")
    wrong = f"'{{action}}' is no action; give {RELABEL} or {EXCLUDE}"
    lines.refuse(~action.isin(get_args(Action)), "action", wrong)
    relabel = action == RELABEL
    for name, needed in (("label_before", relabel | True), ("label_after", relabel)):
        whole = raw[name].str.strip().str.fullmatch("[0-9]+")
        lines.refuse(needed & ~whole, name, f"'{{{name}}}' is no class; give 0, 1, ...")
    texts = raw["label_after"].where(relabel, raw["label_before"])
    before, after = (text.str.strip().astype("int64") for text in (raw["label_before"], texts))
    nothing = "{label_after} is the label before: nothing would change"
    lines.refuse(relabel & (after == before), "label_after", nothing)
    table = raw.assign(action=action, label_before=before, label_after=after, line=raw.index)
    first = table.groupby("path")["line"].transform("first")
    replace(lines, table=table.assign(first=first)).refuse(
        table["line"] != first, "path", "'{path}' is in line {first} already. Keep one of the two"
    )
    return Corrections(lines.path, table.reset_index(drop=True).astype({"line": "int64"}))


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


def correct(
    index: pd.DataFrame,
    corrections: Corrections,
    class_names: Sequence[str],
) -> pd.DataFrame:
    """Correct the labels of an index.

    Args:
        index: ``path``, ``label``, ``patient`` and ``checks``; with ``pixels`` and ``problem``,
            the findings that follow from labels are determined again.
        corrections: What is to be corrected.
        class_names: The classes.

    Returns:
        The index. Relabelled rows have the new label and the finding ``relabelled``, rows that
        are to be left out the finding ``excluded``.

    Raises:
        DataError: A patch is not in the data, has another label there, or is to get a label that
            these data do not have; it is named.
    """
    table = corrections.table
    rows = pd.Index(index["path"].astype(object)).get_indexer(pd.Index(table["path"]))
    labels = index["label"].to_numpy(np.int64).copy()
    _refuse_others(corrections, rows, labels, class_names, is_multi_label(index))
    relabel, exclude = (rows[(table["action"] == a).to_numpy(bool)] for a in (RELABEL, EXCLUDE))
    labels[relabel] = table.loc[table["action"] == RELABEL, "label_after"].to_numpy(np.int64)
    findings = f.masks(index["checks"])
    for name, chosen in ((f.RELABELLED, relabel), (f.EXCLUDED, exclude)):
        findings[name] = np.zeros(len(index), bool)
        findings[name][chosen] = True
    corrected = index.assign(label=labels)
    if {"pixels", "problem"} <= set(index):
        findings |= _of_labels(corrected, findings)
    checks = f.as_checks(findings, len(index))
    return corrected.assign(checks=checks.set_axis(index.index))


def count_corrected(index: pd.DataFrame) -> dict[str, int]:
    """How many patches of an index were relabelled and how many are to be left out."""
    findings = f.masks(index["checks"])
    return {name: int(findings[name].sum()) if name in findings else 0 for name in f.CORRECTED}


def corrected_words(index: pd.DataFrame) -> str:
    """The same in words: "12 relabelled, 3 excluded"."""
    return ", ".join(f"{count:,} {name}" for name, count in count_corrected(index).items())


def _of_labels(index: pd.DataFrame, findings: dict[str, NDArray[np.bool_]]) -> f.Masks:
    """The findings that follow from labels, for those that stay; see `idc.data.audit.audit`."""
    none = np.zeros(len(index), bool)
    broken = (index["problem"] != "").to_numpy(bool)
    out = findings[f.EXCLUDED] | findings.get(f.BAD_NAME, none) | broken
    stays = np.flatnonzero(~out)
    part = index.iloc[stays]
    first = first_of_equal(part["pixels"].to_numpy(np.uint64))
    opposite, alone = none.copy(), none.copy()
    opposite[stays] = several_labels(first, label_codes(part))
    alone[stays] = one_class(part)
    return {f.DUPLICATE_OPPOSITE: opposite, f.ONE_CLASS: alone}


def _refuse_others(
    corrections: Corrections,
    rows: NDArray[np.intp],
    labels: NDArray[np.int64],
    class_names: Sequence[str],
    multi_label: bool,
) -> None:
    """Refuse a file for other data: `rows` are those of its patches, -1 where there is none."""
    table = corrections.table.assign(now=np.append(labels, -1)[rows]).set_index("line")
    lines = Lines(PLACE, corrections.file, table)
    names = ", ".join(f"{k} ({name})" for k, name in enumerate(class_names))
    lines.refuse(
        rows < 0,
        "path",
        "'{path}' is not in the data, so the file is for others. See data.root; paths from a run "
        "with pseudonyms need tracking.pseudonymise=true and that run's key",
    )
    lines.refuse(
        (table["action"] == RELABEL).to_numpy() & multi_label,
        "action",
        f"the images of these data have several labels each, of which one number replaces none; "
        f"{EXCLUDE} leaves an image out, and the labels are corrected in data.table",
    )
    lines.refuse(
        table["now"] != table["label_before"],
        "label_before",
        "'{path}' was {label_before} when it was reviewed and is {now} in the data, so the file "
        "is for others",
    )
    lines.refuse(
        ~table["label_after"].between(0, 1 if multi_label else len(class_names) - 1),
        "label_after",
        f"{{label_after}} is no class of these data, which have {names}",
    )
    lines.refuse(
        pd.Series(rows).duplicated(),
        "path",
        "'{path}' is a patch that an earlier line names otherwise",
    )
