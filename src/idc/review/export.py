"""What a review says of the labels, as a file of corrections for the next training."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from idc.data.corrections import COLUMNS, EXCLUDE, RELABEL, save_corrections
from idc.errors import ConfigError
from idc.review.votes import NONE, count_votes, said_by_data

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
    """

    least_readers: int = 2
    agreed: Agreed = "majority"
    exclude_unsure: bool = True

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
) -> pd.DataFrame:
    """What is to be corrected.

    A case is relabelled only where its readers contradict its label. A case of which most readers
    are unsure is left out. Everything else stays: also a case over which the sure readers are
    level.

    Args:
        answers: What counts, see `idc.review.answer.as_frame`.
        predictions: ``path`` and ``label``.
        class_names: A name a class.
        rule: When a label is corrected; None for the defaults.

    Returns:
        A row a correction, by path: ``path``, ``label_before`` (int64), ``action`` (relabel or
        exclude), ``label_after`` (int64; for exclude the label before), ``readers`` (int64, how
        many answered; never their names) and ``reason`` (a sentence).

    Raises:
        ReviewError: The answers are of another run.
    """
    rule = rule or ExportRule()
    votes = count_votes(answers, len(class_names))
    label = said_by_data(predictions, list(votes.index))["label"].to_numpy(np.int64)
    says, readers, unsure = (
        votes[name].to_numpy(np.int64) for name in ("majority", "readers", "unsure")
    )
    given, sure = votes["votes"].to_numpy(np.int64), readers - unsure
    least = rule.least_readers
    needed = given == readers if rule.agreed == "unanimous" else 2 * given > sure
    doubted = 2 * unsure > readers
    relabel = (sure >= least) & needed & ~doubted & (says != NONE) & (says != label)
    exclude = (readers >= least) & doubted & rule.exclude_unsure
    table = pd.DataFrame(
        {
            "path": votes.index.to_numpy(object),
            "label_before": label,
            "action": np.where(relabel, RELABEL, EXCLUDE).astype(object),
            "label_after": np.where(relabel, says, label),
            "readers": readers,
            "given": np.where(relabel, given, unsure),
        }
    )[relabel | exclude]
    table["reason"] = [_reason(row, class_names) for row in table.to_dict("records")]
    found: pd.DataFrame = table.sort_values("path", ignore_index=True)[list(COLUMNS)]
    return found


def write_corrections(
    path: str | os.PathLike[str],
    answers: pd.DataFrame,
    predictions: pd.DataFrame,
    class_names: Sequence[str],
    rule: ExportRule | None = None,
) -> pd.DataFrame:
    """Write the file that ``data.corrections=FILE`` reads, which may hold no correction at all.

    Args:
        path: The CSV file to write.
        answers: See `find_corrections`, as for the others.
        predictions: Of the run that was reviewed.
        class_names: A name a class.
        rule: When a label is corrected.

    Returns:
        What was written; see `find_corrections`.
    """
    table = find_corrections(answers, predictions, class_names, rule)
    save_corrections(table, path)
    return table


def _reason(row: dict[object, object], class_names: Sequence[str]) -> str:
    before, after = (class_names[int(str(row[f"label_{w}"]))] for w in ("before", "after"))
    who = f"{row['given']} of {row['readers']} reader{'' if row['readers'] == 1 else 's'}"
    if row["action"] == RELABEL:
        return f"{who}: {after}; the label: {before}"
    return f"{who}: unsure; the label: {before}"
