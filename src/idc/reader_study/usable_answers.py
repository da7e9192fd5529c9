"""Selection of the answers to analyse, and the predictions of their cases."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from idc.attribution.pipeline.explained_model import Subject, score_rows
from idc.data.material import Material
from idc.evaluation.decision import Decider
from idc.reader_study.votes import reader_names
from idc.text import listing


def select_readers(
    answers: pd.DataFrame, readers: Sequence[object] | None
) -> tuple[pd.DataFrame, list[str]]:
    """Select the answers of some readers.

    Returns:
        The answers, and notes on the selection, as sentences.
    """
    if readers is None:
        return answers, []
    present = reader_names(answers)
    names = [" ".join(str(name).split()) for name in readers]
    selected = {name.casefold() for name in names}
    kept = [name for name in present if name.casefold() in selected]
    notes = []
    if missing := [n for n in names if n.casefold() not in {p.casefold() for p in present}]:
        notes.append(
            f"readers: there is no answer of {listing(missing)}, only of "
            f"{listing(present) or 'nobody'}."
        )
    if others := [name for name in present if name not in kept]:
        notes.append(f"readers: the answers of {listing(others)} are excluded.")
    return answers[answers["reader"].isin(kept)].reset_index(drop=True), notes


def match_predictions(
    subject: Subject,
    material: Material,
    decider: Decider,
    loader: Mapping[str, Any],
    answers: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Match answers with the predictions of their cases, whatever is selected this time.

    An earlier review of the run may have shown patches without a prediction so far: these are
    scored. Answers about patches that are not among the run's data are excluded.

    Returns:
        The usable answers, predictions for all of their cases, and notes, as sentences.
    """
    predictions, index = subject.predictions, material.index
    unscored = answers.loc[~answers["case"].isin(predictions["path"]), "case"].drop_duplicates()
    used = (index["split"] != "").to_numpy(bool)
    rows = np.flatnonzero(used & index["path"].isin(unscored).to_numpy(bool)).astype(np.int64)
    if len(rows):
        more = score_rows(subject.network, material, rows, decider, loader, subject.device)
        predictions = pd.concat([predictions, more], ignore_index=True)
    unmatched = answers[~answers["case"].isin(predictions["path"])]
    if unmatched.empty:
        return answers, predictions, []
    note = (
        f"{len(unmatched):,} of {len(answers):,} answers are excluded: they are about patches that "
        f"are not among this run's data, such as {unmatched['case'].iloc[0]}."
    )
    return answers.drop(unmatched.index).reset_index(drop=True), predictions, [note]
