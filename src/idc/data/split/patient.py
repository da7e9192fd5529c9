"""Splits by patient: which patients train, which choose, which judge.

Patches of one patient look alike, so a patient in two splits makes every number wrong. Every split
made here is checked for that before it is returned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.split.base import check_split, sort_patients, strata
from idc.data.split.subset import TrainingSubset
from idc.errors import ConfigError, DataError

LEAVE_ONE_OUT: Literal["patients"] = "patients"
CANDIDATE_SHUFFLES = 40
ATTEMPTS = 1200  # of patients times shuffles


@dataclass(frozen=True)
class PatientSplit(TrainingSubset):
    """Whole patients to a split, classes balanced over the splits as well as patients allow.

    Attributes:
        test_patients: Patients to test on; empty lets the split choose.
        val_patients: Patients to validate on; empty lets the split choose.
        test_fraction: Share of the patches of each class to aim at for test, in (0, 1).
        val_fraction: The same for validation.
        folds: Number of cross-validation folds for the test split; ``patients`` tests each patient
            alone, sorted by name (by number, if all names are numbers); None makes one split.
        fold: Which fold is the test split, 0..folds-1.
    """

    test_patients: Sequence[str | int] = ()
    val_patients: Sequence[str | int] = ()
    test_fraction: float = 0.2
    val_fraction: float = 0.15
    folds: int | Literal["patients"] | None = None
    fold: int = 0
    leaky: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.folds is not None and self.test_patients:
            raise ConfigError(
                "split.folds and split.test_patients exclude one another: a fold names its own "
                "test patients."
            )

    def assign(self, index: pd.DataFrame) -> "pd.Series[str]":
        """Give each row its split.

        Args:
            index: The index with ``patient`` and ``label``.

        Returns:
            ``train``, ``val``, ``test``, or "" where training leaves a row out, on the index of
            `index`.

        Raises:
            ConfigError: A named patient is not in the data, or is in two splits; or there are
                fewer folds or training patients than requested.
            DataError: The patients do not suffice for splits that hold both classes.
        """
        groups = index["patient"].astype(str)
        test = self._named(self.test_patients, groups, "test_patients")
        val = self._named(self.val_patients, groups, "val_patients")
        if both := sorted(test & val):
            raise ConfigError(
                f"patient {', '.join(both)} stands in both split.test_patients and "
                f"split.val_patients; choose one."
            )
        if groups.nunique() < 3:
            raise DataError(
                f"split: the data hold {groups.nunique()} patient(s); a split by patient needs at "
                f"least 3 (train, validation, test)."
            )
        free = index[~groups.isin(test | val)]
        if self.folds is not None:
            test = self._fold(free)
        elif not test:
            test = self._choose(free, index, self.test_fraction, "test")
        free = index[~groups.isin(test | val)]
        if not val:
            val = self._choose(free, index, self.val_fraction, "val")
        split = pd.Series("train", index=index.index, name="split", dtype=object)
        split[groups.isin(val)] = "val"
        split[groups.isin(test)] = "test"
        check_split(index, split, self.folds is not None or bool(self.test_patients))
        return self.thin(index, split)

    def _named(self, patients: Sequence[str | int], groups: "pd.Series[str]", key: str) -> set[str]:
        requested = {str(p) for p in patients}
        present = sorted(groups.unique())
        if missing := sorted(requested.difference(present)):
            shown = ", ".join(present[:20]) + (", ..." if len(present) > 20 else "")
            raise ConfigError(
                f"split.{key}: no patient {', '.join(missing)} in the data. There are: {shown}."
            )
        return requested

    def _fold(self, free: pd.DataFrame) -> set[str]:
        counts = strata(free)
        patients = sort_patients(counts.index.astype(str).tolist())
        if isinstance(self.folds, int) and len(patients) < self.folds:
            raise ConfigError(
                f"split.folds={self.folds}: only {len(patients)} patients are free for the folds; "
                f"use fewer."
            )
        if isinstance(self.folds, int):
            return stratified_folds(counts, self.folds, self.seed)[self.fold]
        if not 0 <= self.fold < len(patients):
            raise ConfigError(
                f"split.fold={self.fold}: with split.folds={LEAVE_ONE_OUT} and {len(patients)} "
                f"patients to test give 0..{len(patients) - 1}."
            )
        return {patients[self.fold]}

    def _choose(
        self, free: pd.DataFrame, whole: pd.DataFrame, fraction: float, split: str
    ) -> set[str]:
        """The fold, out of many shuffles, that comes nearest to `fraction` in every class."""
        patients = free["patient"].nunique()
        folds = min(max(2, round(len(free) / (fraction * len(whole)))), patients)
        if patients < 2:
            raise DataError(f"split: only {patients} patient(s) left to choose split.{split} from.")
        counts = strata(free)
        goal = fraction * strata(whole).sum().reindex(counts.columns).to_numpy()
        # A rare one of several labels may be in one split only.
        needed = counts.columns.isin(free["label"].unique())
        best: tuple[float, set[str]] | None = None
        table, total = counts.to_numpy(), counts.to_numpy().sum(axis=0)
        # Many patients can be dealt evenly at the first attempt.
        for shuffle in range(min(CANDIDATE_SHUFFLES, max(4, ATTEMPTS // patients))):
            for chosen in stratified_folds(counts, folds, self.seed * CANDIDATE_SHUFFLES + shuffle):
                taken = table[counts.index.isin(chosen)].sum(axis=0)
                left = total - taken
                if (taken[needed] == 0).any() or (left[needed] == 0).any():
                    continue
                miss = float((np.abs(taken - goal) / goal).sum())
                if best is None or miss < best[0]:
                    best = (miss, chosen)
        if best is None:
            raise DataError(
                f"split: no choice of patients gives a {split} split and a rest that both hold "
                f"every class ({patients} patients to choose from). Name them with "
                f"split.{split}_patients, or bring more patients."
            )
        return best[1]


def stratified_folds(counts: pd.DataFrame, folds: int, seed: int) -> list[set[str]]:
    """Deal patients to folds so that each fold gets about the same of every class.

    The algorithm, and to the last patient the result, is that of scikit-learn's
    ``StratifiedGroupKFold``, which lists every patch anew for every fold: at 277,524 patches it
    takes 20 times as long, and a split tries up to 40 shuffles.

    Args:
        counts: Patches of each patient (row, by name) and class (column), patients sorted.
        folds: Number of folds, 2 to the number of patients.
        seed: Decides the order among equals.

    Returns:
        The patients of each fold.
    """
    names = counts.index.to_numpy()
    table = counts.to_numpy(np.float64)
    order = np.arange(len(names))
    np.random.RandomState(seed).shuffle(order)
    # The most uneven patients first: the small and even ones then fill the gaps.
    uneven = np.argsort(-np.std(table[order], axis=1), kind="stable")
    totals = table.sum(axis=0)
    per_fold = np.zeros((folds, table.shape[1]))
    dealt: list[set[str]] = [set() for _ in range(folds)]
    for place in order[uneven]:
        best = _best_fold(per_fold, totals, table[place])
        per_fold[best] += table[place]
        dealt[best].add(str(names[place]))
    return dealt


def _best_fold(
    per_fold: NDArray[np.float64], totals: NDArray[np.float64], patient: NDArray[np.float64]
) -> int:
    """The fold after whose gain all folds are most alike; among equals the emptiest."""
    folds = len(per_fold)
    proposed = np.repeat(per_fold[None], folds, axis=0)
    proposed[np.arange(folds), np.arange(folds)] += patient
    spread = np.std(proposed / totals, axis=1).mean(axis=1).tolist()
    sizes = per_fold.sum(axis=1).tolist()
    best, lowest, fewest = 0, np.inf, np.inf
    for fold, (value, size) in enumerate(zip(spread, sizes, strict=True)):
        alike = np.isfinite(lowest) and abs(value - lowest) <= 1e-8 + 1e-5 * abs(lowest)
        if value < lowest or (alike and size < fewest):
            best, lowest, fewest = fold, value, size
    return best
