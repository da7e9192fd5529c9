"""Patches to splits at random, as much of the literature does it: patients leak between the splits.

Here to show by how much such a split flatters, and for sets whose images are independent.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from idc.data.split.base import check_split
from idc.data.split.subset import TrainingSubset
from idc.errors import DataError
from idc.runtime.seeding import derive_seed

DRAW = 3  # what a seed is derived for
ADVICE = "Bring more patches of that class, or change split.{split}_fraction."


@dataclass(frozen=True)
class RandomSplit(TrainingSubset):
    """Single patches to a split, each class in the same shares; patients are in all splits.

    Attributes:
        test_fraction: Share of the patches of each class for test, in (0, 1).
        val_fraction: The same for validation.
        folds: Number of cross-validation folds for the test split, or None for one split.
        fold: Which fold is the test split, 0..folds-1.
    """

    test_fraction: float = 0.15
    val_fraction: float = 0.15
    folds: int | None = None
    fold: int = 0
    leaky: bool = field(default=True, init=False)

    def assign(self, index: pd.DataFrame) -> "pd.Series[str]":
        """Give each row its split.

        Args:
            index: The index with ``patient`` and ``label``.

        Returns:
            ``train``, ``val``, ``test``, or "" where training leaves a row out, on the index of
            `index`.

        Raises:
            ConfigError: There are fewer training patients than requested.
            DataError: A class has too few patches for three splits, or for the folds.
        """
        labels = index["label"].to_numpy()
        counts = index["label"].value_counts()
        least = max(3, self.folds or 0)
        if counts.min() < least:
            what = "three splits" if self.folds is None else f"split.folds={self.folds}"
            raise DataError(
                f"split: class {counts.idxmin()} has {counts.min()} patch(es); {what} need at "
                f"least {least} of each class."
            )
        rng = np.random.default_rng(derive_seed(self.seed, DRAW))
        rows = np.arange(len(index))
        if self.folds is None:
            test = _draw(labels, rows, self.test_fraction, 2, rng)
        else:
            folds = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
            test = list(folds.split(labels, labels))[self.fold][1]
        val = _draw(labels, np.setdiff1d(rows, test), self.val_fraction, 1, rng)
        split = np.full(len(index), "train", object)
        split[val], split[test] = "val", "test"
        named = pd.Series(split, index=index.index, name="split", dtype=object)
        check_split(index, named, may_leak=True, advice=ADVICE)
        return self.thin(index, named)


def _draw(
    labels: NDArray[np.int64],
    rows: NDArray[np.int64],
    fraction: float,
    leave: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """From `rows`, the share `fraction` of all patches of each class; at least 1, `leave` stay."""
    drawn = []
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        free = rng.permutation(rows[labels[rows] == label])
        number = min(max(1, round(fraction * count)), len(free) - leave)
        drawn.append(free[:number])
    return np.concatenate(drawn)
