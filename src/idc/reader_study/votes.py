"""Readers' verdicts on a case as votes, and the label and prediction of the case."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from idc.reader_study.answer import UNSURE, ReviewError

MODEL, LABEL, MAJORITY = "model", "label", "majority"
NONE = -1  # no majority


def reader_names(answers: pd.DataFrame) -> list[str]:
    """The readers, sorted by name."""
    return sorted(set(answers["reader"]), key=lambda name: (name.casefold(), name))


def count_votes(answers: pd.DataFrame, classes: int) -> pd.DataFrame:
    """Count the verdicts on each case.

    Returns:
        One row per case (the index is named ``case``), in order of first answers:
        ``votes_<class>`` (int64) and ``unsure`` (int64), the number of readers with that verdict;
        ``readers``, their total; ``majority`` (int64), the class with the most votes of sure
        readers, or `NONE` if tied or nobody is sure; ``votes``, the votes for the majority, else 0.

    Raises:
        ReviewError: A verdict is not one of the k classes.
    """
    wrong = answers[~answers["verdict"].between(UNSURE, classes - 1)]
    for row in wrong.head(1).to_dict("records"):
        raise ReviewError(
            f"answer of {row['reader']} to {row['case']}: verdict {row['verdict']} is not one of "
            f"the {classes} classes 0..{classes - 1}; the answers belong to another run."
        )
    cases = pd.Index(answers["case"].drop_duplicates(), name="case")
    rows = cases.get_indexer(pd.Index(answers["case"]))
    counts = np.zeros((len(cases), classes + 1), np.int64)
    np.add.at(counts, (rows, answers["verdict"].to_numpy(np.int64)), 1)  # -1 is the last column
    votes = counts[:, :classes]
    most = votes.max(axis=1, initial=0)
    alone = (most > 0) & ((votes == most[:, None]).sum(axis=1) == 1)
    table = pd.DataFrame({f"votes_{k}": votes[:, k] for k in range(classes)}, index=cases)
    return table.assign(
        unsure=counts[:, classes],
        readers=counts.sum(axis=1),
        majority=np.where(alone, votes.argmax(axis=1), NONE),
        votes=np.where(alone, most, 0),
    )


def predictions_of(predictions: pd.DataFrame, cases: Sequence[str]) -> pd.DataFrame:
    """Look up the predictions of cases.

    Returns:
        One row per case, with its path as index.

    Raises:
        ReviewError: A case has no prediction, or a path is duplicated.
    """
    by_path = predictions.set_index("path")
    if not by_path.index.is_unique:
        duplicate = by_path.index[by_path.index.duplicated()][0]
        raise ReviewError(f"predictions: {duplicate} is duplicated; give those of one run.")
    lacking = [case for case in cases if case not in by_path.index]
    if lacking:
        raise ReviewError(
            f"{len(lacking)} answered case(s), such as {lacking[0]}, are not among the run's "
            f"predictions: the answers belong to another run, or its patients have other names."
        )
    return by_path.loc[list(cases)]


def distinct(names: Sequence[str]) -> dict[str, str]:
    """Names of readers that differ from reserved ones: a reader may be called "model"."""
    taken = {LABEL, MODEL, MAJORITY, *names}
    shown: dict[str, str] = {}
    for name in names:
        new = name
        while new in (LABEL, MODEL, MAJORITY) or (new != name and new in taken):
            new += " (reader)"
        shown[name] = new
    return shown
