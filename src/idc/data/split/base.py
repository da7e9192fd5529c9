"""What every split has: its splits, and the checks without which no number could be believed."""

from collections.abc import Sequence
from typing import Protocol

import pandas as pd

from idc.data.index import JOINT, LABELS, class_members, is_multi_label
from idc.errors import DataError

SPLITS = ("train", "val", "test")
UNUSED = ""  # the split of a patch that is left out
BY_PATIENT = "Choose other patients with split.{split}_patients, or another split.seed."


class Splitter(Protocol):
    """A way to divide an index into train, val and test."""

    @property
    def leaky(self) -> bool:
        """Whether it may put a patient in two splits, by design."""
        ...

    def assign(self, index: pd.DataFrame) -> "pd.Series[str]":
        """Give each row of the index its split, or "" where it is left out."""
        ...


def sort_patients(names: Sequence[str]) -> list[str]:
    """Patients in order: as numbers if all of them are, else as text."""
    numbers = all(name.isascii() and name.isdigit() for name in names)
    return sorted(names, key=(lambda name: (int(name), name)) if numbers else None)


def leaky_patients(index: pd.DataFrame) -> list[str]:
    """The patients that are in two splits, sorted.

    Args:
        index: ``patient`` and ``split``; rows whose split is "" are ignored.
    """
    used = index[index["split"] != UNUSED]
    splits = used.groupby(used["patient"].astype(str))["split"].nunique()
    return sort_patients(splits.index[splits > 1].tolist())


def check_split(
    index: pd.DataFrame,
    split: "pd.Series[str]",
    test_may_lack_a_class: bool = False,
    may_leak: bool = False,
    advice: str = BY_PATIENT,
) -> None:
    """Refuse a split whose numbers could not be believed.

    Args:
        index: ``patient`` and ``label``.
        split: The split of each row; "" is ignored.
        test_may_lack_a_class: For a test split that was named or is a fold.
        may_leak: A patient may be in two splits.
        advice: What to do if a split is empty or lacks a class; ``{split}`` in it is replaced.

    Raises:
        DataError: A patient is in two splits, a split is empty, or training, validation (or
            test, unless it may) lacks a class.
    """
    if not may_leak and (leaked := leaky_patients(index.assign(split=split))):
        raise DataError(
            f"split: patient {', '.join(leaked[:5])} is in two splits. A patient belongs to "
            f"one split only."
        )
    classes = set(index["label"][split != UNUSED])
    for name in SPLITS:
        present = set(index["label"][split == name])
        if not present:
            raise DataError(f"split: the {name} split is empty. " + advice.replace("{split}", name))
        lacking = sorted(classes - present)
        if lacking and not (name == "test" and test_may_lack_a_class):
            raise DataError(
                f"split: the {name} split has no patch of class {lacking[0]}. "
                + advice.replace("{split}", name)
            )


def split_counts(index: pd.DataFrame, class_names: Sequence[str]) -> pd.DataFrame:
    """Patches and patients per split and class.

    Returns:
        Columns ``split``, ``class`` (name), ``patches``, ``patients``; a row for every pair, also
        where there is none. An image of several labels is a patch of each.
    """
    rows = []
    for split in SPLITS:
        of_split = index[index["split"] == split]
        for name, members in zip(class_names, class_members(of_split, class_names).T, strict=True):
            part = of_split[members]
            rows.append((split, name, len(part), part["patient"].nunique()))
    return pd.DataFrame(rows, columns=["split", "class", "patches", "patients"])


def strata(index: pd.DataFrame) -> pd.DataFrame:
    """Patches of each patient (row, sorted) and class (column), which splits are to balance.

    Where images have several labels the columns are those with none and with any (0 and 1), and
    then each label.
    """
    counts = pd.crosstab(index["patient"], index["label"])
    if not is_multi_label(index):
        return counts
    has = index[LABELS].astype(str).str.get_dummies(JOINT).groupby(index["patient"]).sum()
    return pd.concat([counts, has.reindex(counts.index)], axis=1)


def splits_of_patients(index: pd.DataFrame) -> dict[str, str]:
    """Patient to split; where patients stand on several, all of them."""
    splits = index.groupby("patient")["split"].unique()
    return {str(patient): "+".join(sorted(names)) for patient, names in splits.items()}
