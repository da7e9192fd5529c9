"""Which patches to explain: of each kind, errors, at random, all, a patient's or named ones."""

import csv
import fnmatch
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.index import position_words
from idc.data.text_file import read_text
from idc.errors import ConfigError, first_line

KINDS = ("TP", "FP", "FN", "TN")
PLAIN = ("kinds", "errors", "random", "all")
NAMED = ("patient", "files")
LISTS = (".txt", ".lst", ".csv")
COLUMN = "path"


@dataclass(frozen=True)
class Selection:
    """A choice of patches.

    Attributes:
        what: ``kinds`` (some of each kind of correct and wrong), ``errors``, ``random``, ``all``
            (each of the test split), ``patient`` or ``files`` (of any split).
        names: The patients, or the patches' paths, which may hold ``*``.
    """

    what: str = "kinds"
    names: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """A name for a folder."""
        if self.what == "patient":
            return "patient_" + "_".join(self.names[:3]) + ("_and_more" if self.names[3:] else "")
        return self.what


def parse_selection(text: str) -> Selection:
    """Parse ``explain.select``.

    Args:
        text: ``kinds``, ``errors``, ``random``, ``all``, ``patient=ID[,ID]``, or
            ``files=PATH[,PATH]`` with paths as in the index (``*`` matches anything), or one
            text file that lists them, one per line, or in the column ``path`` of a table.

    Raises:
        IdcError: It is none of these, or the list cannot be read.
    """
    what, equals, rest = str(text).partition("=")
    names = tuple(part.strip() for part in rest.split(",") if part.strip())
    if (what in PLAIN and not equals) or (what in NAMED and names):
        if what == "files" and len(names) == 1 and Path(names[0]).suffix.lower() in LISTS:
            names = _listed(names[0])
        return Selection(what, names)
    raise ConfigError(
        f"explain.select={text}: choose kinds, errors, random, all, patient=ID or files=PATH (a "
        f"patch's path in the data set, or a text file with one path per line)."
    )


def _listed(file: str) -> tuple[str, ...]:
    """The names in a file, one per line; in a table its column ``path``, else the first one."""
    path, text = read_text(file, "explain.select=files", "Give a text file with one path per line.")
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise ConfigError(
            f"explain.select: {path} is no CSV text ({first_line(error)})."
        ) from error
    header = [name.strip() for name in rows[0]] if rows else []
    column = header.index(COLUMN) if COLUMN in header else 0
    values = rows[1:] if COLUMN in header else rows
    names = tuple(row[column].strip() for row in values if column < len(row))
    if not (names := tuple(name for name in names if name)):
        raise ConfigError(f"explain.select: {path} names no patch; give one path per line.")
    return names


def named_rows(selection: Selection, index: pd.DataFrame) -> NDArray[np.int64]:
    """The rows of the index that a selection of patients or files names, of any split.

    Returns:
        Sorted positions, int64 (n,).

    Raises:
        ConfigError: A name matches nothing; some existing ones are named.
    """
    column = "patient" if selection.what == "patient" else "path"
    values = index[column].astype(str).to_numpy()
    named = np.zeros(len(index), bool)
    for name in selection.names:
        if selection.what == "patient" or not set(name) & set("*?["):
            matches = values == name
        else:
            matches = np.array([fnmatch.fnmatchcase(value, name) for value in values])
        if not matches.any():
            some = ", ".join(sorted(set(values))[:5])
            raise ConfigError(
                f"explain.select={selection.what}={name}: the data have no such {selection.what}; "
                f"there are {some} and others."
            )
        named |= matches
    return np.flatnonzero(named).astype(np.int64)


def choose_cases(
    predictions: pd.DataFrame,
    selection: Selection,
    per_kind: int,
    most: int | None,
    seed: int,
    classes: int = 2,
) -> pd.DataFrame:
    """Choose patches to explain.

    Args:
        predictions: ``label``, ``predicted``, ``loss`` of the patches to choose from.
        selection: What to choose; named patients and files are in `predictions` already, see
            `named_rows`.
        per_kind: Patches of each kind, for ``kinds``.
        most: Largest number otherwise, or None for all: errors with the highest loss first,
            others at random.
        seed: Decides which.
        classes: k.

    Returns:
        The rows of `predictions` with ``kind``, grouped by it, errors first; see `kinds_of`.
    """
    frame = predictions.reset_index(drop=True)
    frame["kind"] = kinds_of(frame["label"], frame["predicted"], classes)
    if selection.what == "kinds":
        ends = [f"class {n} {end}" for n in range(classes) for end in ("right", "wrong")]
        # One kind's choice does not depend on how many there are of another.
        chosen = [
            np.random.default_rng((seed, number)).permutation(np.flatnonzero(frame["kind"] == kind))
            for number, kind in enumerate(KINDS if classes == 2 else ends)
        ]
        rows = np.sort(np.concatenate([each[:per_kind] for each in chosen]))
    elif selection.what == "errors":
        order = np.argsort(-frame["loss"].to_numpy(), kind="stable")
        wrong = (frame["label"] != frame["predicted"]).to_numpy()
        rows = order[wrong[order]][:most]
    else:
        rows = np.sort(np.random.default_rng(seed).permutation(len(frame))[:most])
    cases = frame.iloc[rows]
    rank = {"FN": 0, "FP": 1, "TP": 2, "TN": 3}
    by = cases["kind"].map(rank) if classes == 2 else cases["kind"]
    return cases.iloc[np.argsort(by.to_numpy(), kind="stable")].reset_index(drop=True)


def kinds_of(
    labels: "pd.Series[int]", predicted: "pd.Series[int]", classes: int = 2
) -> NDArray[np.object_]:
    """TP, FP, FN or TN of each patch; with more classes ``class <label> right`` or ``wrong``."""
    label, called = labels.to_numpy(), predicted.to_numpy()
    if classes == 2:
        words = np.where(label == 1, np.where(called == 1, "TP", "FN"), "")
        return np.where(label == 1, words, np.where(called == 1, "FP", "TN")).astype(object)
    ends = np.where(label == called, "right", "wrong")
    return np.array([f"class {a} {b}" for a, b in zip(label, ends, strict=True)], object)


def kind_words(kind: str, class_names: Sequence[str]) -> str:
    """A kind in words: ``missed IDC`` for FN, ``ulcer, called another class`` for `k > 2`."""
    negative, positive = class_names[0], class_names[1]
    words = {"TP": f"{positive} found", "FN": f"missed {positive}"}
    words |= {"FP": "false alarm", "TN": f"rightly {negative}"}
    if kind in words:
        return words[kind]
    _, label, end = kind.split()
    how = "recognised" if end == "right" else "called another class"
    return f"{class_names[int(label)]}, {how}"


def case_words(case: Mapping[Any, Any], class_names: Sequence[str]) -> str:
    """The lines beside a patch: patient, position, label and score, and what it is called."""
    place = position_words({str(key): value for key, value in case.items()})
    labelled = case.get("labelled", class_names[case["label"]])
    called = f"called {case['called']}\n" if "called" in case else ""
    return (
        f"patient {case['patient']}\n{place}{place and chr(10)}"
        f"labelled {labelled}\n{called}score {case['score']:.2f}"
    )
