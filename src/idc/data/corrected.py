"""An index with corrected labels, and findings that say which they are."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.audit import findings as f
from idc.data.audit.audit import one_class
from idc.data.audit.duplicates import first_of_equal, several_labels
from idc.data.corrections import EXCLUDE, PLACE, RELABEL, Corrections
from idc.errors import DataError


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
    _refuse_others(corrections, rows, labels, class_names)
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
    opposite[stays] = several_labels(first, part["label"].to_numpy(np.int64))
    alone[stays] = one_class(part)
    return {f.DUPLICATE_OPPOSITE: opposite, f.ONE_CLASS: alone}


def _refuse_others(
    corrections: Corrections,
    rows: NDArray[np.intp],
    labels: NDArray[np.int64],
    class_names: Sequence[str],
) -> None:
    """Refuse a file that is for other data.

    Args:
        corrections: The file.
        rows: The row of each of its patches, -1 where there is none.
        labels: The labels of the data.
        class_names: One name per class.

    Raises:
        DataError: Names the first line that does not fit, and how many there are.
    """
    table = corrections.table.assign(now=np.append(labels, -1)[rows])
    names = ", ".join(f"{k} ({name})" for k, name in enumerate(class_names))

    def refuse(wrong: Any, column: str, words: Callable[[dict[Any, Any]], str]) -> None:
        lines = table[np.asarray(wrong, bool)]
        for row in lines.head(1).to_dict("records"):
            more = f" ({len(lines):,} such lines)" if len(lines) > 1 else ""
            raise DataError(
                f"{PLACE}: {corrections.file}, line {row['line']}, column {column}: "
                f"{words(row)}{more}."
            )

    refuse(
        rows < 0,
        "path",
        lambda row: (
            f"'{row['path']}' is not in the data, so the file is for others. See data.root; paths "
            f"from a run with pseudonyms need tracking.pseudonymise=true and that run's key"
        ),
    )
    refuse(
        table["now"] != table["label_before"],
        "label_before",
        lambda row: (
            f"'{row['path']}' was {row['label_before']} when it was reviewed and is {row['now']} "
            f"in the data, so the file is for others"
        ),
    )
    refuse(
        ~table["label_after"].between(0, len(class_names) - 1),
        "label_after",
        lambda row: f"{row['label_after']} is no class of these data, which have {names}",
    )
    refuse(
        pd.Series(rows).duplicated(),
        "path",
        lambda row: f"'{row['path']}' is a patch that an earlier line names otherwise",
    )
