"""The split that a file names: the splits of a publication, or of an earlier run."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.index import PREDEFINED
from idc.data.split.base import UNUSED, check_split, leaky_patients
from idc.data.split.csv_file import LEFT_OUT, PATIENT, SHOWN, SplitFile, read_split_csv
from idc.data.split.subset import TrainingSubset
from idc.errors import ConfigError, DataError


@dataclass(frozen=True)
class PredefinedSplit(TrainingSubset):
    """The splits that a CSV file gives to patients or to files, or that the data set itself gives.

    Attributes:
        file: The CSV file, see `read_split_csv`; None takes the index's own splits.
        others: What becomes of data that the file does not name: ``fail`` or ``unused``.
        allow_leak: Take a file that puts a patient in two splits; such a split is leaky.
    """

    file: str | None = None
    others: Literal["fail", "unused"] = "fail"
    allow_leak: bool = False

    @property
    def leaky(self) -> bool:
        """Whether a patient may be in two splits."""
        return self.allow_leak

    def assign(self, index: pd.DataFrame) -> "pd.Series[str]":
        """Give each row its split.

        Args:
            index: The index with ``path``, ``patient`` and ``label``.

        Returns:
            ``train``, ``val``, ``test``, or "" where the file or training leaves a row out, on
            the index of `index`.

        Raises:
            ConfigError: There is no such file, the data have no splits of their own, or there are
                fewer training patients than requested.
            DataError: The file is wrong or does not fit the data, or a patient is in two splits and
                may not be.
        """
        if self.file is None:
            return self._own(index)
        given = read_split_csv(self.file)
        keys = index["patient"].astype(str) if given.column == PATIENT else index["path"]
        keys = keys.astype(object)
        place = pd.Index(given.table["key"]).get_indexer(pd.Index(keys))
        _refuse_missing(given, place, keys)
        self._refuse_uncovered(given, keys[place < 0])
        named = given.table["split"].replace(LEFT_OUT, UNUSED).to_numpy(object)
        split = pd.Series(np.where(place < 0, UNUSED, named[place]), index.index, object, "split")
        if not self.allow_leak:
            _refuse_leak(given, index, split)
        check_split(
            index,
            split,
            test_may_lack_a_class=True,
            may_leak=True,
            advice=f"Change what {given.path} puts there.",
        )
        return self.thin(index, split)

    def _own(self, index: pd.DataFrame) -> "pd.Series[str]":
        """The splits that the data set gives; see `idc.data.index.INDEX`."""
        if PREDEFINED not in index:
            raise ConfigError(
                "split.file: the data set has no splits of its own (split folders, or a split "
                "column in its table); give a CSV file, or choose split=patient."
            )
        split = index[PREDEFINED].astype(object).rename("split")
        advice = "Change the split folders, or the split column of the table."
        check_split(index, split, True, self.allow_leak, advice)
        return self.thin(index, split)

    def _refuse_uncovered(self, given: SplitFile, uncovered: "pd.Series[str]") -> None:
        if self.others == "unused" or uncovered.empty:
            return
        names = uncovered.unique()
        raise DataError(
            f"split: {given.path}, column {given.column}: it does not name {len(names)} "
            f"{given.column}(s) of the data, such as {', '.join(names[:SHOWN])}. Add them (with "
            f"{LEFT_OUT}, to leave them out), or set split.others=unused."
        )


def _refuse_missing(given: SplitFile, place: NDArray[np.intp], keys: "pd.Series[str]") -> None:
    """What is to be left out need not be there: the audit may have dropped it before."""
    present = np.zeros(len(given.table), bool)
    present[place[place >= 0]] = True
    missing = given.table[~present & (given.table["split"] != LEFT_OUT)]
    if missing.empty:
        return
    first = missing.head(SHOWN).to_dict("records")
    shown = ", ".join(f"'{row['key']}' (line {row['line']})" for row in first)
    examples = ", ".join(sorted(keys.unique())[:SHOWN])
    raise DataError(
        f"split: {given.path}, column {given.column}: {len(missing)} of its {given.column}(s) are "
        f"not in the data, or the audit dropped them: {shown}. The data hold {examples}, ...; see "
        f"data.root and audit, or write {LEFT_OUT} there."
    )


def _refuse_leak(given: SplitFile, index: pd.DataFrame, split: "pd.Series[str]") -> None:
    leaked = leaky_patients(index.assign(split=split))
    if not leaked:
        return
    own = pd.DataFrame({"path": index["path"], "split": split})
    own = own[(index["patient"].astype(str) == leaked[0]) & (split != UNUSED)]
    lines = given.table.set_index("key")["line"]
    shown = " and ".join(
        f"line {lines[row['path']]} ({row['split']})"
        for row in own.drop_duplicates("split").to_dict("records")
    )
    raise DataError(
        f"split: {given.path}, column {given.column}: {len(leaked)} patient(s) are in two splits, "
        f"such as {leaked[0]}, {shown}. Give a patient one split, or set split.allow_leak=true: "
        f"the run is then marked as leaky."
    )
