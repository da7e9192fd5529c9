"""Labels that a review corrected: read for a run, applied to its data, kept with it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from idc.config.build import Config
from idc.data.corrections import (
    FOR_PEOPLE,
    NAME,
    PLACE,
    Corrections,
    corrected_words,
    read_corrections,
    save_corrections,
)
from idc.tracking.privacy import Redactor
from idc.tracking.run_protocol import Run


def build_corrections(config: Config) -> Corrections | None:
    """What ``data.corrections`` says of the labels, if anything.

    Raises:
        IdcError: The file cannot be read, or is none.
    """
    file = config["data"].get("corrections")
    return read_corrections(str(file)) if file else None


def under_names_of(
    corrections: Corrections | None,
    own: pd.DataFrame,
    public: pd.DataFrame,
    redactor: Redactor | None,
) -> Corrections | None:
    """The corrections under the names that the run gives its images, as they may be logged.

    `own` and `public` are the index under the patients' own names and the run's, row for row.
    """
    if corrections is None or redactor is None:
        return corrections
    table = corrections.table
    rows = own["path"].isin(table["path"])
    named = dict(zip(own["path"][rows], public["path"][rows], strict=True))
    table = table.assign(
        path=[named.get(path, path) for path in table["path"]],
        **{name: table[name].map(redactor.text) for name in FOR_PEOPLE},
    )
    return replace(corrections, table=table)


def record_corrections(
    run: Run, corrections: Corrections | None, index: pd.DataFrame, folder: Path
) -> None:
    """Keep a copy with the run, so that it can be evaluated when the file is gone."""
    if corrections is None:
        return
    save_corrections(corrections.table, folder / NAME)
    run.artifacts(folder / NAME)
    run.tags({PLACE: corrected_words(index)})


def has_corrections(config: Mapping[str, Any]) -> bool:
    """Whether a run of this configuration keeps a copy of corrections."""
    return bool(config["data"].get("corrections"))
