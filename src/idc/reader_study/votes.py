"""Readers' verdicts on a case as votes, beside what the label and the model say."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from idc.reader_study.answer import UNSURE, ReviewError

MODEL, LABEL, MAJORITY = "model", "label", "majority"
NONE = -1  # the majority where there is none


def reader_names(answers: pd.DataFrame) -> list[str]:
    """The readers, in the order of their names."""
    return sorted(set(answers["reader"]), key=lambda name: (name.casefold(), name))


def count_votes(answers: pd.DataFrame, classes: int) -> pd.DataFrame:
    """What readers say of each case.

    Args:
        answers: See `idc.reader_study.answer.as_frame`.
        classes: k.

    Returns:
        A row a case (``case`` is the index's name), in order of first answers: ``votes_<class>``
        (int64) and ``unsure`` (int64) count readers; ``readers`` is their number; ``majority``
        (int64) is the class that more readers who are sure give than any other, `NONE` where two
        classes are level or nobody is sure; ``votes`` counts the readers who give it, else 0.

    Raises:
        ReviewError: A verdict is not one of k classes.
    """
    wrong = answers[~answers["verdict"].between(UNSURE, classes - 1)]
    for row in wrong.head(1).to_dict("records"):
        raise ReviewError(
            f"answer of {row['reader']} to {row['case']}: verdict {row['verdict']} is none of the "
            f"{classes} classes 0..{classes - 1}; the answers are of another run."
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


def said_by_data(predictions: pd.DataFrame, cases: Sequence[str]) -> pd.DataFrame:
    """The predictions of some cases, row for row.

    Args:
        predictions: A row a patch, with ``path`` and ``label`` at least.
        cases: Paths.

    Returns:
        The rows of the cases, with their paths as index.

    Raises:
        ReviewError: The predictions lack a case, or have a path twice.
    """
    known = predictions.set_index("path")
    if not known.index.is_unique:
        twice = known.index[known.index.duplicated()][0]
        raise ReviewError(f"predictions: {twice} is there twice; give those of one run.")
    lacking = [case for case in cases if case not in known.index]
    if lacking:
        raise ReviewError(
            f"{len(lacking)} answered case(s), such as {lacking[0]}, are not among the run's "
            f"predictions: the answers are of another run, or its patients have other names."
        )
    return known.loc[list(cases)]


def distinct(names: Sequence[str]) -> dict[str, str]:
    """Readers' names that are none of ours: a reader may be called "model"."""
    taken = {LABEL, MODEL, MAJORITY, *names}
    shown: dict[str, str] = {}
    for name in names:
        new = name
        while new in (LABEL, MODEL, MAJORITY) or (new != name and new in taken):
            new += " (reader)"
        shown[name] = new
    return shown
