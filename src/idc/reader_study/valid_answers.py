"""The answers that count, and the predictions of what was answered."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from idc.attribution.pipeline.explained_model import Subject, score_rows
from idc.data.material import Material
from idc.errors import ConfigError
from idc.evaluation.decision import Decider
from idc.reader_study.votes import reader_names
from idc.text import listing


def refuse_readers(wanted: Any) -> None:
    """Refuse what is no list of names.

    Raises:
        ConfigError: It is neither null nor a list that names somebody.
    """
    if wanted is not None and (not isinstance(wanted, list | tuple) or not wanted):
        raise ConfigError(f"readers={wanted}: give a list of names, such as [AB,CD], or null.")


def keep_readers(
    answers: pd.DataFrame, wanted: Sequence[object] | None
) -> tuple[pd.DataFrame, list[str]]:
    """The answers of some readers.

    Args:
        answers: See `idc.reader_study.answer.as_frame`.
        wanted: Whose to keep, capitals or not; None for all.

    Returns:
        The answers, and what to know of that, in sentences.
    """
    if wanted is None:
        return answers, []
    there = reader_names(answers)
    names = [" ".join(str(name).split()) for name in wanted]
    asked = {name.casefold() for name in names}
    kept = [name for name in there if name.casefold() in asked]
    notes = []
    if lost := [name for name in names if name.casefold() not in {n.casefold() for n in there}]:
        notes.append(
            f"readers: there is no answer of {listing(lost)}; there are those of "
            f"{listing(there) or 'nobody'}."
        )
    if others := [name for name in there if name not in kept]:
        notes.append(f"readers: the answers of {listing(others)} are left out.")
    return answers[answers["reader"].isin(kept)].reset_index(drop=True), notes


def with_answered(
    subject: Subject,
    material: Material,
    decider: Decider,
    loader: Mapping[str, Any],
    answers: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The answers with the predictions of their cases, whatever was selected this time.

    An earlier review of the run may have shown other patches than those that are known now: they
    are scored. A patch that is not among the run's data any more, or that the run left out, has
    nothing to be compared with.

    Args:
        subject: The run, with the predictions that are known.
        material: Its data.
        decider: The run's calibration, threshold and way of asking.
        loader: The options of the loaders.
        answers: See `idc.reader_study.answer.as_frame`.

    Returns:
        The answers that can be used, predictions that hold all of their cases, and what to know,
        in sentences.
    """
    known, index = subject.predictions, material.index
    lacking = answers.loc[~answers["case"].isin(known["path"]), "case"].drop_duplicates()
    used = (index["split"] != "").to_numpy(bool)
    rows = np.flatnonzero(used & index["path"].isin(lacking).to_numpy(bool)).astype(np.int64)
    if len(rows):
        more = score_rows(subject.network, material, rows, decider, loader, subject.device)
        known = pd.concat([known, more], ignore_index=True)
    lost = answers[~answers["case"].isin(known["path"])]
    if lost.empty:
        return answers, known, []
    note = (
        f"{len(lost):,} of {len(answers):,} answers are left out: they are about patches that are "
        f"not among this run's data, such as {lost['case'].iloc[0]}."
    )
    return answers.drop(lost.index).reset_index(drop=True), known, [note]
