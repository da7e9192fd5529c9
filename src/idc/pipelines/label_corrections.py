"""Labels that a review corrected: read for a run, applied to its data, kept with it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from idc.config.build import Config
from idc.data.corrected import correct, corrected_words
from idc.data.corrections import (
    FOR_PEOPLE,
    NAME,
    PLACE,
    Corrections,
    read_corrections,
    save_corrections,
)
from idc.data.sources.base import Source
from idc.pipelines.pseudonyms import hide_patients
from idc.tracking.mlflow_run import Run
from idc.tracking.privacy import Pseudonyms, Redactor


def build_corrections(config: Config) -> Corrections | None:
    """What ``data.corrections`` says of the labels, if anything.

    Raises:
        IdcError: The file cannot be read, or is none.
    """
    file = config["data"].get("corrections")
    return read_corrections(str(file)) if file else None


def corrected(
    index: pd.DataFrame,
    corrections: Corrections | None,
    source: Source,
    names: Pseudonyms | None,
) -> pd.DataFrame:
    """The index as it is used: with the labels that a review corrected.

    Args:
        index: The index with the patients' own names.
        corrections: What is to be corrected, or None.
        source: The set.
        names: The patients' pseudonyms, which the file may know them by, or None.

    Raises:
        DataError: The file is for other data.
    """
    if corrections is None:
        return index
    other_names = None if names is None else hide_patients(index, names)["path"]
    return correct(index, corrections, source.class_names, other_names)


def fit_to_log(
    corrections: Corrections | None, index: pd.DataFrame, redactor: Redactor | None
) -> Corrections | None:
    """The same corrections under the names that the run knows its patches by.

    Args:
        corrections: What is corrected, or None.
        index: The index with the patients' own names.
        redactor: Takes out what must not be logged.
    """
    if corrections is None or redactor is None:
        return corrections
    table = corrections.table
    table = table.assign(**{name: table[name].map(redactor.text) for name in FOR_PEOPLE})
    if redactor.pseudonyms is not None:
        part = index[index["path"].isin(table["path"])]
        hidden = hide_patients(
            part.drop(columns="duplicate_of", errors="ignore"), redactor.pseudonyms
        )
        known = dict(zip(part["path"], hidden["path"], strict=True))
        table = table.assign(path=table["path"].map(lambda path: known.get(path, path)))
    return replace(corrections, table=table)


def record_corrections(
    run: Run, corrections: Corrections | None, index: pd.DataFrame, folder: Path
) -> None:
    """Keep a copy with the run, so that it can be asked again when the file is gone.

    Args:
        run: The run.
        corrections: See `fit_to_log`.
        index: The corrected index.
        folder: The run's folder.
    """
    if corrections is None:
        return
    save_corrections(corrections.table, folder / NAME)
    run.artifacts(folder / NAME)
    run.tags({PLACE: corrected_words(index)})


def has_corrections(config: Mapping[str, Any]) -> bool:
    """Whether a run of this configuration keeps a copy of corrections."""
    return bool(config["data"].get("corrections"))
