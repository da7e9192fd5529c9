"""Smaller training splits: whole patients or patches that are left out, for learning curves.

Validation and test stay as they are, and with one seed a smaller training split lies within every
larger one: what differs between two runs is the amount of data and nothing else.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.split.base import UNUSED
from idc.errors import ConfigError, DataError
from idc.runtime.seeding import derive_seed

# Patients compared for each place in the order: more give a better balance, but nearly the same
# order for every seed.
CANDIDATES = 8
PATIENTS, PATCHES = 1, 2  # what a seed is derived for


@dataclass(frozen=True, kw_only=True)
class TrainingSubset:
    """How much of the training split is used; the part that every split has.

    Attributes:
        train_fraction: Share of the training patients (or patches) to train on, in (0, 1].
        train_by: ``patient`` leaves out whole patients, in an order that soon has the balance of
            the whole split's classes; ``patch`` leaves out patches, evenly over the classes and
            patients.
        train_patients: Number of patients to train on, in place of a share.
        train_patches: Number of patches to train on, in place of a share: of each class as large a
            part as of the whole, evenly over the patients.
        seed: Decides what is left out, as it decides the split.
    """

    train_fraction: float = 1.0
    train_by: Literal["patient", "patch"] = "patient"
    train_patients: int | None = None
    train_patches: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        sizes = {
            "split.train_fraction": self.train_fraction != 1,
            "split.train_patients": self.train_patients is not None,
            "split.train_patches": self.train_patches is not None,
        }
        if sum(sizes.values()) > 1:
            given = " and ".join(name for name, is_given in sizes.items() if is_given)
            raise ConfigError(
                f"{given} exclude one another: give a number of patients, or of patches, or a "
                f"share."
            )
        if self.train_patients is not None and self.train_by != "patient":
            raise ConfigError(
                "split.train_patients is a number of whole patients: leave split.train_by=patient, "
                "or give split.train_fraction."
            )

    def thin(self, index: pd.DataFrame, split: "pd.Series[str]") -> "pd.Series[str]":
        """Leave out a part of the training split.

        Args:
            index: ``patient`` and ``label``.
            split: The split of each row, on the index of `index`; training has every class.

        Returns:
            The same splits, but "" where a training row is left out.

        Raises:
            ConfigError: There are fewer training patients, or patches, than requested.
            DataError: What is left has no patch of some class.
        """
        if self.train_fraction == 1 and self.train_patients is self.train_patches is None:
            return split
        rows = np.flatnonzero((split == "train").to_numpy())
        part = index.iloc[rows]
        by_patch = self.train_by == "patch" or self.train_patches is not None
        keep = self._patches(part) if by_patch else self._patients(part)
        thinned = split.copy()
        thinned.iloc[rows[~keep]] = UNUSED
        return thinned

    def _patients(self, part: pd.DataFrame) -> NDArray[np.bool_]:
        groups = part["patient"].astype(str)
        counts = pd.crosstab(groups, part["label"])
        if self.train_patients is not None and self.train_patients > len(counts):
            raise ConfigError(
                f"split.train_patients={self.train_patients}: the training split has {len(counts)} "
                f"patients; give 1..{len(counts)}."
            )
        number = self.train_patients or _share(self.train_fraction, len(counts))
        order = balanced_order(counts, self.seed)
        present = counts.loc[order].to_numpy().cumsum(axis=0) > 0
        enough = int(np.argmax(present.all(axis=1))) + 1
        if number < enough:
            lacking = counts.columns[~present[number - 1]][0]
            least = np.ceil(1000 * enough / len(counts)) / 1000
            raise DataError(
                f"split: {number} of the {len(counts)} training patients would remain, without a "
                f"patch of class {lacking}. The smallest number that works is "
                f"split.train_patients={enough} (or split.train_fraction={least:g})."
            )
        return groups.isin(order[:number]).to_numpy(bool)

    def _patches(self, part: pd.DataFrame) -> NDArray[np.bool_]:
        rng = np.random.default_rng(derive_seed(self.seed, PATCHES))
        labels = part["label"].to_numpy()
        cell = part.groupby([part["patient"].astype(str), "label"]).ngroup().to_numpy()
        sizes = np.bincount(cell)
        shuffled = rng.permutation(len(part))
        rank = np.empty(len(part))
        rank[shuffled] = pd.Series(cell[shuffled]).groupby(cell[shuffled]).cumcount()
        # The order of a systematic sample: any first part of it has the same share of each cell.
        place = (rank + rng.random(len(sizes))[cell]) / sizes[cell]
        keep = np.zeros(len(part), bool)
        classes, counts = np.unique(labels, return_counts=True)
        for label, number in zip(classes, self._numbers(counts), strict=True):
            rows = np.flatnonzero(labels == label)
            keep[rows[np.argsort(place[rows], kind="stable")[:number]]] = True
        return keep

    def _numbers(self, counts: NDArray[np.int64]) -> list[int]:
        """How many patches of each class remain; with `train_patches` they add up to it."""
        if self.train_patches is None:
            return [_share(self.train_fraction, int(count)) for count in counts]
        total = int(counts.sum())
        if not len(counts) <= self.train_patches <= total:
            raise ConfigError(
                f"split.train_patches={self.train_patches}: the training split has {total:,} "
                f"patches of {len(counts)} classes; give {len(counts)}..{total}."
            )
        exact = self.train_patches * counts / total
        numbers = np.maximum(1, np.floor(exact)).astype(np.int64)
        # The largest remainders first; a class that had to be rounded up gives nothing back.
        while numbers.sum() != self.train_patches:
            step = 1 if numbers.sum() < self.train_patches else -1
            gap = np.where((step > 0) | (numbers > 1), step * (exact - numbers), -np.inf)
            numbers[np.argmax(gap)] += step
        return [int(number) for number in numbers]


def balanced_order(counts: pd.DataFrame, seed: int) -> list[str]:
    """Patients in an order whose every first part has nearly the balance of all of them.

    Patients come at random. Until each class is there, those with most of the missing classes
    come first; then the one, out of the next few, that brings the shares of the classes nearest
    to those of the whole.

    Args:
        counts: Patches of each patient (row, by name) and class (column), patients sorted.
        seed: Decides the order.
    """
    table = counts.to_numpy(np.float64)
    goal = table.sum(axis=0) / table.sum()
    waiting = np.random.default_rng(derive_seed(seed, PATIENTS)).permutation(len(table))
    taken = np.zeros(table.shape[1])
    order: list[str] = []
    while len(waiting):
        rows = table[waiting]
        new = ((rows > 0) & (taken == 0)).sum(axis=1)
        candidates = np.flatnonzero(new == new.max())[:CANDIDATES]
        after = taken + rows[candidates]
        miss = np.abs(after / after.sum(axis=1, keepdims=True) - goal).sum(axis=1)
        best = candidates[np.argmin(miss)]
        taken = taken + rows[best]
        order.append(str(counts.index[waiting[best]]))
        waiting = np.delete(waiting, best)
    return order


def _share(fraction: float, count: int) -> int:
    """The nearest whole number to a share, at least 1."""
    return max(1, int(fraction * count + 0.5))
