"""What a review says of the labels, as a file of corrections for the next training."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.corrections import COLUMNS, EXCLUDE, RELABEL, Corrections, save_corrections
from idc.errors import ConfigError
from idc.reader_study.votes import NONE, count_votes, said_by_data

Agreed = Literal["majority", "unanimous"]


@dataclass(frozen=True)
class ExportRule:
    """When a label is corrected.

    Attributes:
        least_readers: Readers who must be sure of a case to relabel it, and have answered it to
            leave it out; 1 or more.
        agreed: ``majority``: more than half of the readers who are sure give one class that is
            not the label; ``unanimous``: all readers do, and none is unsure.
        exclude_unsure: Whether a case is left out of which more than half of its readers are
            unsure.
        blinded_only: Whether only verdicts count that were given before the model's answer was in
            sight: with the model's opinion in the labels, its next test would praise it for it.
    """

    least_readers: int = 2
    agreed: Agreed = "majority"
    exclude_unsure: bool = True
    blinded_only: bool = True

    def __post_init__(self) -> None:
        if self.least_readers < 1:
            raise ConfigError(f"least_readers={self.least_readers}: give 1 or more.")
        if self.agreed not in ("majority", "unanimous"):
            raise ConfigError(f"agreed={self.agreed}: give majority or unanimous.")


def find_corrections(
    answers: pd.DataFrame,
    predictions: pd.DataFrame,
    class_names: Sequence[str],
    rule: ExportRule | None = None,
    earlier: Corrections | None = None,
) -> pd.DataFrame:
    """What is to be corrected in the data set, by this review and those before it.

    A case is relabelled only where its readers contradict its label. A case of which most readers
    are unsure is left out. Everything else stays: also a case over which the sure readers are
    level. What an earlier review corrected stays corrected, unless these readers contradict that.

    Args:
        answers: What counts, see `idc.reader_study.answer.as_frame`.
        predictions: ``path`` and ``label``, as the run has it.
        class_names: A name a class.
        rule: When a label is corrected; None for the defaults.
        earlier: What the run itself was made with, or None: its ``label_before`` is the label of
            the data set, where the run's is the corrected one.

    Returns:
        A row a correction, by path: ``path``, ``label_before`` (int64, that of the data set),
        ``action`` (relabel or exclude), ``label_after`` (int64; for exclude the label before),
        ``readers`` (str, how many answered; never their names) and ``reason`` (a sentence).

    Raises:
        ReviewError: The answers are of another run.
    """
    rule = rule or ExportRule()
    if rule.blinded_only:
        answers = answers[~answers["seen_model"]]
    votes = count_votes(answers, len(class_names))
    shown = said_by_data(predictions, list(votes.index))["label"].to_numpy(np.int64)
    before = _of_source(shown, votes.index, earlier)
    says, readers, unsure = (
        votes[name].to_numpy(np.int64) for name in ("majority", "readers", "unsure")
    )
    given, sure = votes["votes"].to_numpy(np.int64), readers - unsure
    least = rule.least_readers
    needed = given == readers if rule.agreed == "unanimous" else 2 * given > sure
    doubted = 2 * unsure > readers
    contradicted = (sure >= least) & needed & ~doubted & (says != NONE) & (says != shown)
    relabel = contradicted & (says != before)
    exclude = (readers >= least) & doubted & rule.exclude_unsure
    table = pd.DataFrame(
        {
            "path": votes.index.to_numpy(object),
            "label_before": before,
            "action": np.where(relabel, RELABEL, EXCLUDE).astype(object),
            "label_after": np.where(relabel, says, before),
            "readers": readers,
            "given": np.where(relabel, given, unsure),
        }
    )[relabel | exclude]
    table["reason"] = [_reason(row, class_names) for row in table.to_dict("records")]
    table = table.astype({"readers": str})[list(COLUMNS)]
    if earlier is not None:
        settled = votes.index[contradicted | exclude]
        kept = earlier.table[~earlier.table["path"].isin(settled)]
        table = pd.concat([kept[list(COLUMNS)], table])
    found: pd.DataFrame = table.sort_values("path", ignore_index=True)
    return found


def write_corrections(
    path: str | os.PathLike[str],
    answers: pd.DataFrame,
    predictions: pd.DataFrame,
    class_names: Sequence[str],
    rule: ExportRule | None = None,
    earlier: Corrections | None = None,
) -> pd.DataFrame:
    """Write the file that ``data.corrections=FILE`` reads, which may hold no correction at all.

    Args:
        path: The CSV file to write.
        answers: See `find_corrections`, as for the others.
        predictions: Of the run that was reviewed.
        class_names: A name a class.
        rule: When a label is corrected.
        earlier: What the run itself was made with.

    Returns:
        What was written; see `find_corrections`.
    """
    table = find_corrections(answers, predictions, class_names, rule, earlier)
    save_corrections(table, path)
    return table


def relabelled_before(earlier: Corrections | None, cases: Sequence[str]) -> int:
    """How many of some cases have a label that an earlier review gave them."""
    if earlier is None:
        return 0
    given = earlier.table.loc[earlier.table["action"] == RELABEL, "path"]
    return int(given.isin(cases).sum())


def _of_source(
    shown: NDArray[np.int64], cases: "pd.Index[str]", earlier: Corrections | None
) -> NDArray[np.int64]:
    """The labels of the data set, of cases with the labels that the run has."""
    if earlier is None:
        return shown
    known = earlier.table.set_index("path")["label_before"].reindex(cases).to_numpy(np.float64)
    return np.where(np.isnan(known), shown, known).astype(np.int64)


def _reason(row: dict[object, object], class_names: Sequence[str]) -> str:
    before, after = (class_names[int(str(row[f"label_{w}"]))] for w in ("before", "after"))
    who = f"{row['given']} of {row['readers']} reader{'' if row['readers'] == 1 else 's'}"
    if row["action"] == RELABEL:
        return f"{who}: {after}; the label: {before}"
    return f"{who}: unsure; the label: {before}"
