"""Label corrections from a review, as a file for the next training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.corrections import COLUMNS, EXCLUDE, RELABEL, Corrections
from idc.reader_study.votes import NONE, count_votes, predictions_of

Agreed = Literal["majority", "unanimous"]


@dataclass(frozen=True)
class ExportRule:
    """When a label is corrected.

    Attributes:
        least_readers: Minimum number of sure readers to relabel a case, and of readers to exclude
            it; 1 or more.
        agreed: ``majority``: more than half of the sure readers choose the same class, other than
            the label; ``unanimous``: all readers do, and none is unsure.
        exclude_unsure: Whether a case is excluded if more than half of its readers are unsure.
        blinded_only: Whether only blinded verdicts count: with the model's opinion in the labels,
            its next test would be too optimistic.
    """

    least_readers: int = 2
    agreed: Agreed = "majority"
    exclude_unsure: bool = True
    blinded_only: bool = True


def find_corrections(
    answers: pd.DataFrame,
    predictions: pd.DataFrame,
    class_names: Sequence[str],
    rule: ExportRule | None = None,
    earlier: Corrections | None = None,
) -> pd.DataFrame:
    """Corrections of the data set's labels by this review and earlier ones.

    A case is relabelled only if its readers contradict its label, and excluded if most of its
    readers are unsure. All others are kept, including ties. Corrections by an earlier review stay,
    unless these readers contradict them; their ``label_before`` is the label of the data set,
    whereas that of `predictions`, with ``path`` and ``label``, is the corrected one. The answers
    are those that count, see `idc.reader_study.answer.as_frame`.

    Returns:
        One row per correction, sorted by path: ``path``, ``label_before`` (int64, label of the
        data set), ``action`` (relabel or exclude), ``label_after`` (int64; for exclude the label
        before), ``readers`` (str, their number, not their names) and ``reason`` (a sentence).

    Raises:
        ReviewError: The answers belong to another run.
    """
    rule = rule or ExportRule()
    if rule.blinded_only:
        answers = answers[~answers["seen_model"]]
    votes = count_votes(answers, len(class_names))
    current = predictions_of(predictions, list(votes.index))["label"].to_numpy(np.int64)
    before = _source_labels(current, votes.index, earlier)
    majority, readers, unsure = (
        votes[name].to_numpy(np.int64) for name in ("majority", "readers", "unsure")
    )
    given, sure = votes["votes"].to_numpy(np.int64), readers - unsure
    least = rule.least_readers
    needed = given == readers if rule.agreed == "unanimous" else 2 * given > sure
    doubted = 2 * unsure > readers
    contradicted = (sure >= least) & needed & ~doubted & (majority != NONE) & (majority != current)
    relabel = contradicted & (majority != before)
    exclude = (readers >= least) & doubted & rule.exclude_unsure
    table = pd.DataFrame(
        {
            "path": votes.index.to_numpy(object),
            "label_before": before,
            "action": np.where(relabel, RELABEL, EXCLUDE).astype(object),
            "label_after": np.where(relabel, majority, before),
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
    corrections: pd.DataFrame = table.sort_values("path", ignore_index=True)
    return corrections


def _source_labels(
    current: NDArray[np.int64], cases: "pd.Index[str]", earlier: Corrections | None
) -> NDArray[np.int64]:
    """The data set's labels of cases, from their labels in the run."""
    if earlier is None:
        return current
    before = earlier.table.set_index("path")["label_before"].reindex(cases).to_numpy(np.float64)
    return np.where(np.isnan(before), current, before).astype(np.int64)


def _reason(row: dict[object, object], class_names: Sequence[str]) -> str:
    before, after = (class_names[int(str(row[f"label_{w}"]))] for w in ("before", "after"))
    who = f"{row['given']} of {row['readers']} reader{'' if row['readers'] == 1 else 's'}"
    if row["action"] == RELABEL:
        return f"{who}: {after}; the label: {before}"
    return f"{who}: unsure; the label: {before}"
