"""Which units of a layer to show: those whose activation separates the labels."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

MOST = 10_000  # patches whose activations are kept; enough for an AUROC to within 0.01
BLOCK = 256  # units ranked at once
POSITIVE = 1


class Activations:
    """The activations of units in a bounded, even sample of a stream of patches.

    Which patches are kept depends on their rows alone, neither on the batches nor on their order.

    Args:
        units: Number of units.
        most: Largest number of patches kept.
    """

    def __init__(self, units: int, most: int = MOST) -> None:
        self.most = most
        self.values = np.empty((0, units), np.float32)
        self.labels = np.empty(0, np.int64)
        self._keys = np.empty(0, np.uint64)

    def add(
        self,
        values: NDArray[np.float32],
        rows: NDArray[np.int64],
        labels: NDArray[np.integer],
    ) -> None:
        """Add patches: values (n, units), their rows in the index, their labels."""
        keys = _scatter(rows)
        if len(self._keys) == self.most:
            few = keys < self._keys.max()
            values, keys, labels = values[few], keys[few], labels[few]
            if not len(keys):
                return
        joined = np.concatenate([self._keys, keys])
        kept = np.argsort(joined, kind="stable")[: self.most]
        self._keys = joined[kept]
        self.values = np.concatenate([self.values, values])[kept]
        self.labels = np.concatenate([self.labels, labels])[kept]


def _scatter(rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """One pseudo-random number per row: the mixing steps of SplitMix64 (Steele et al. 2014)."""
    z = (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def unit_areas(
    values: NDArray[np.float32], labels: NDArray[np.integer]
) -> NDArray[np.float64] | None:
    """AUROC of each unit for label 1 against the rest, ties counting half.

    Args:
        values: float (n, units).
        labels: int (n,).

    Returns:
        float64 (units,) in [0, 1]; None if label 1, or every other, does not occur.
    """
    positive = np.asarray(labels) == POSITIVE
    wins, losses = int(positive.sum()), int((~positive).sum())
    if not wins or not losses:
        return None
    areas = [
        (
            rankdata(values[:, start : start + BLOCK], axis=0)[positive].sum(0) / wins
            - (wins + 1) / 2
        )
        / losses
        for start in range(0, values.shape[1], BLOCK)
    ]
    # Activations that are not numbers separate nothing.
    return np.asarray(np.nan_to_num(np.concatenate(areas), nan=0.5), np.float64)


def pick_units(
    areas: NDArray[np.float64] | None, values: NDArray[np.float32], count: int
) -> NDArray[np.int64]:
    """Choose the units that separate the labels best, half of them each way.

    Args:
        areas: AUROC of each unit, or None if there is none.
        values: float (n, units); without areas the units that vary most are taken.
        count: Number of units; all if there are fewer.

    Returns:
        int64, by falling AUROC.
    """
    by = values.std(0) if areas is None else areas
    order = np.argsort(-by, kind="stable").astype(np.int64)
    count = min(count, len(order))
    low = 0 if areas is None else count // 2
    return np.concatenate([order[: count - low], order[len(order) - low :]])
