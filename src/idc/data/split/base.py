"""What every split has: its sides, and the checks without which no number could be believed."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.errors import ConfigError, DataError

SIDES = ("train", "val", "test")
UNUSED = ""  # the side of a patch that is left out
BY_PATIENT = "Choose other patients with split.{side}_patients, or another split.seed."


class Splitter(Protocol):
    """A way to divide an index into train, val and test."""

    @property
    def leaky(self) -> bool:
        """Whether it may put a patient on two sides, by design."""
        ...

    def assign(self, index: pd.DataFrame) -> "pd.Series[str]":
        """Give each row of the index its side, or "" where it is left out."""
        ...


def check_fractions(test_fraction: float, val_fraction: float) -> None:
    """Refuse shares of test and validation that leave no training side.

    Raises:
        ConfigError: Names the share.
    """
    for name, value in (("test_fraction", test_fraction), ("val_fraction", val_fraction)):
        if not 0 < value < 1:
            raise ConfigError(f"split.{name}={value}: give a share between 0 and 1.")
    if test_fraction + val_fraction >= 1:
        raise ConfigError(
            "split.test_fraction + split.val_fraction leave nothing to train on; "
            "make their sum less than 1."
        )


def check_fold(folds: int, fold: int) -> None:
    """Refuse a fold that there is not.

    Raises:
        ConfigError: Names the fold and the valid range.
    """
    if folds < 2:
        raise ConfigError(f"split.folds={folds}: cross-validation needs 2 or more.")
    if not 0 <= fold < folds:
        raise ConfigError(f"split.fold={fold}: with split.folds={folds} give 0..{folds - 1}.")


def sort_patients(names: Sequence[str]) -> list[str]:
    """Patients in order: as numbers if all of them are, else as text."""
    numbers = all(name.isascii() and name.isdigit() for name in names)
    return sorted(names, key=(lambda name: (int(name), name)) if numbers else None)


def leaky_patients(index: pd.DataFrame) -> list[str]:
    """The patients that stand on two sides, sorted.

    Args:
        index: ``group`` and ``split``; rows whose split is "" are ignored.
    """
    used = index[index["split"] != UNUSED]
    sides = used.groupby(used["group"].astype(str))["split"].nunique()
    return sort_patients(sides.index[sides > 1].tolist())


def check_split(
    index: pd.DataFrame,
    side: "pd.Series[str]",
    test_may_lack_a_class: bool = False,
    may_leak: bool = False,
    advice: str = BY_PATIENT,
) -> None:
    """Refuse a split whose numbers could not be believed.

    Args:
        index: ``group`` and ``label``.
        side: The side of each row; "" is ignored.
        test_may_lack_a_class: For a test side that was named or is a fold.
        may_leak: A patient may stand on two sides.
        advice: What to do if a side is empty or lacks a class; ``{side}`` in it is replaced.

    Raises:
        DataError: A patient stands on two sides, a side is empty, or training, validation (or
            test, unless it may) lacks a class.
    """
    if not may_leak and (leaked := leaky_patients(index.assign(split=side))):
        raise DataError(
            f"split: patient {', '.join(leaked[:5])} stands on two sides. A patient belongs to "
            f"one side only."
        )
    classes = set(index["label"][side != UNUSED])
    for name in SIDES:
        present = set(index["label"][side == name])
        if not present:
            raise DataError(f"split: the {name} side is empty. " + advice.replace("{side}", name))
        lacking = sorted(classes - present)
        if lacking and not (name == "test" and test_may_lack_a_class):
            raise DataError(
                f"split: the {name} side has no patch of class {lacking[0]}. "
                + advice.replace("{side}", name)
            )


def split_counts(index: pd.DataFrame, class_names: Sequence[str]) -> pd.DataFrame:
    """Patches and patients per side and class.

    Returns:
        Columns ``split``, ``class`` (name), ``patches``, ``patients``; a row for every pair, also
        where there is none.
    """
    rows = []
    for side in SIDES:
        of_side = index[index["split"] == side]
        for label, name in enumerate(class_names):
            part = of_side[of_side["label"] == label]
            rows.append((side, name, len(part), part["group"].nunique()))
    return pd.DataFrame(rows, columns=["split", "class", "patches", "patients"])


def class_counts(labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Patches of each class, int64 (classes,)."""
    return np.bincount(labels, minlength=classes).astype(np.int64)


def patients_sides(index: pd.DataFrame) -> dict[str, str]:
    """Patient to side; where patients stand on several, all of them."""
    sides = index.groupby("group")["split"].unique()
    return {str(patient): "+".join(sorted(found)) for patient, found in sides.items()}
