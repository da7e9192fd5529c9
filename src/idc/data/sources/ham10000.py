"""HAM10000 (Tschandl et al. 2018), as its own archive or as task 3 of ISIC 2018 distributes it."""

from dataclasses import replace
from functools import cached_property
from typing import Any

import pandas as pd

from idc.data.sources.table import TableSource
from idc.data.text_file import Lines, read_csv_lines
from idc.errors import DataError

TRUTH = "ISIC2018_Task3_Training_GroundTruth"
GROUPS = "ISIC2018_Task3_Training_LesionGroupings.csv"
GIVE = f"Give the folder with HAM10000_metadata.csv, or with {TRUTH} and {GROUPS}."


class Ham10000Source(TableSource):
    """Dermatoscopic images of seven diagnoses; a patient is a lesion.

    The table is ``HAM10000_metadata.csv``, or, if it is not there, the ground truth of ISIC 2018
    (one column for each diagnosis) with its grouping by lesion. For arguments see `TableSource`.
    """

    name = "ham10000"
    layout = "HAM10000_metadata.csv, or the files of ISIC 2018 task 3, and the images"

    def _lines(self) -> Lines:
        return super()._lines() if self.file.is_file() else self._isic

    @cached_property
    def _isic(self) -> Lines:
        assert self.root is not None
        truth = self.root / TRUTH / f"{TRUTH}.csv"
        truth = truth if truth.is_file() else self.root / f"{TRUTH}.csv"
        groups = next((p for p in (truth.parent / GROUPS, self.root / GROUPS) if p.is_file()), None)
        if not truth.is_file() or groups is None:
            raise DataError(
                f"data.root: {self.root} holds neither {self.file.name} nor {TRUTH}.csv with "
                f"{GROUPS}, which says which images show one lesion. {GIVE}"
            )
        lines = read_csv_lines(truth, "data.table", "data.table", GIVE, _has("image"))
        scores = lines.table.drop(columns="image").apply(pd.to_numeric, errors="coerce")
        wrong: Any = (scores.sum(axis=1) != 1) | ~scores.isin([0, 1]).all(axis=1)
        lines.refuse(wrong, scores.columns[0], "give 1 for one diagnosis and 0 for the others")
        of = read_csv_lines(groups, "data.table", "data.table", GIVE, _has("image", "lesion_id"))
        lesion = of.table.set_index("image")["lesion_id"]
        patient = lines.table["image"].map(lesion[~lesion.index.duplicated()]).fillna("")
        lacks = f"{groups} names no lesion of {{image}}; fetch it again, or add the line"
        lines.refuse(patient == "", "image", lacks)
        table = pd.DataFrame(
            {
                "path": lines.table["image"],
                "label": scores.idxmax(axis=1).str.lower(),
                "patient": patient,
            }
        )
        self.columns = {"path": "image", "label": "image", "patient": "image"}
        return replace(lines, table=table)


def _has(*columns: str) -> Any:
    def check(path: object, header: list[str]) -> None:
        if lacking := [name for name in columns if name not in header]:
            raise DataError(f"data.table: {path} has no column {lacking[0]}. {GIVE}")

    return check
