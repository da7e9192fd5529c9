"""AUROC and average precision of one class against the rest, for many resamples at once.

A resample is a weight for each unit (patient or patch): how often it was drawn. Weights are whole
numbers; the values are those of repeating the unit's patches so many times.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from idc.metrics.decisions import share

AREAS = ("auroc", "average_precision")
FEW_UNITS = 1_000  # a matrix of units x units then takes 8 MB
CELLS = 2_000_000  # float64 cells of an intermediate matrix: 16 MB


class Ranking(ABC):
    """Patches of one class ranked against the rest."""

    @abstractmethod
    def areas(
        self, weights: NDArray[np.float64], names: Collection[str]
    ) -> dict[str, NDArray[np.float64]]:
        """AUROC (ties count half) and average precision (no interpolation, as in scikit-learn).

        Args:
            weights: Whole numbers >= 0, float64 (draws, units).
            names: Those of `AREAS` that are wanted.

        Returns:
            Name to float64 (draws,) in [0, 1]; NaN for a draw that lacks a class.
        """


def build_ranking(
    positive: NDArray[np.bool_], scores: NDArray[np.floating], codes: NDArray[np.int64], units: int
) -> Ranking:
    """The faster way for that many units.

    Args:
        positive: bool (N,).
        scores: float (N,); higher is more positive.
        codes: Unit of each patch, int64 (N,).
        units: Number of units.
    """
    kind = FewUnits if units <= FEW_UNITS else ManyUnits
    return kind(positive, np.asarray(scores, np.float64), codes, units)


class FewUnits(Ranking):
    """Matrix products over units: the work grows with units x positives, not draws x patches."""

    def __init__(
        self,
        positive: NDArray[np.bool_],
        scores: NDArray[np.float64],
        codes: NDArray[np.int64],
        units: int,
    ) -> None:
        self.units = units
        self.counts = np.stack(
            [np.bincount(codes[side], minlength=units) for side in (positive, ~positive)]
        ).astype(np.float64)
        self.positive_codes, self.positive_scores = _sorted(codes, scores, positive)
        self.negative_codes, self.negative_scores = _sorted(codes, scores, ~positive)

    def areas(
        self, weights: NDArray[np.float64], names: Collection[str]
    ) -> dict[str, NDArray[np.float64]]:
        """See `Ranking.areas`."""
        pos, neg = self.counts @ weights.T
        found = {}
        if "auroc" in names:
            won = ((weights @ self._won_pairs) * weights).sum(1)
            found["auroc"] = share(won, pos * neg)
        if "average_precision" in names:
            found["average_precision"] = share(self._precisions(weights), pos * (neg > 0))
        return found

    @cached_property
    def _won_pairs(self) -> NDArray[np.float64]:
        """Pairs that a positive of unit i wins against a negative of unit j, ties half: (i, j)."""
        won = np.empty((self.units, self.units))
        for unit in range(self.units):
            rivals = self.negative_scores[self.negative_codes == unit]
            beaten = np.searchsorted(rivals, self.positive_scores, "left")
            beaten += np.searchsorted(rivals, self.positive_scores, "right")
            won[:, unit] = np.bincount(self.positive_codes, beaten / 2, self.units)
        return won

    def _precisions(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the positives of the precision at their score, (draws,)."""
        steps, place = np.unique(-self.positive_scores, return_inverse=True)
        # A negative counts from the first step whose score is not above its own.
        late = np.searchsorted(steps, -self.negative_scores, "left")
        places, codes = (place, late), (self.positive_codes, self.negative_codes)
        total = np.zeros(len(weights))
        passed = np.zeros((2, self.units))
        before = np.zeros((len(weights), 1))
        width = max(1, CELLS // max(len(weights), self.units))
        for start in range(0, len(steps), width):
            size = min(width, len(steps) - start)
            sums = []
            for side in (0, 1):
                here = (places[side] >= start) & (places[side] < start + size)
                cell = codes[side][here] * size + places[side][here] - start
                new = np.bincount(cell, minlength=self.units * size).reshape(self.units, size)
                reached = passed[side][:, None] + np.cumsum(new, axis=1)
                passed[side] = reached[:, -1]
                sums.append(weights @ reached)
            tp, fp = sums
            rise = np.diff(tp, axis=1, prepend=before)
            total += (rise * tp / np.maximum(tp + fp, 1)).sum(1)
            before = tp[:, -1:]
        return total


class ManyUnits(Ranking):
    """Cumulative sums over the sorted patches, a few draws at a time."""

    def __init__(
        self,
        positive: NDArray[np.bool_],
        scores: NDArray[np.float64],
        codes: NDArray[np.int64],
        units: int,
    ) -> None:
        del units
        self.positive_codes, rising = _sorted(codes, scores, positive)
        self.negative_codes, rivals = _sorted(codes, scores, ~positive)
        self.ends = np.flatnonzero(np.append(np.diff(rising) != 0, True)[: len(rising)])
        self.below = np.searchsorted(rivals, rising[self.ends], "left")
        self.upto = np.searchsorted(rivals, rising[self.ends], "right")

    def areas(
        self, weights: NDArray[np.float64], names: Collection[str]
    ) -> dict[str, NDArray[np.float64]]:
        """See `Ranking.areas`."""
        won, precise, pos, neg = np.zeros((4, len(weights)))
        reached = np.zeros(len(self.negative_codes) + 1)
        # One draw at a time: its weights stay in the processor's cache.
        for draw, weight in enumerate(weights):
            passed = np.cumsum(weight[self.positive_codes])[self.ends]
            np.cumsum(weight[self.negative_codes], out=reached[1:])
            rise = np.diff(passed, prepend=0)
            below = reached[self.below]
            pos[draw], neg[draw] = rise.sum(), reached[-1]
            if "auroc" in names:
                won[draw] = rise @ (below + reached[self.upto]) / 2
            if "average_precision" in names:
                tp, fp = pos[draw] - passed + rise, neg[draw] - below
                precise[draw] = rise @ (tp / np.maximum(tp + fp, 1))
        found = {
            "auroc": share(won, pos * neg),
            "average_precision": share(precise, pos * (neg > 0)),
        }
        return {name: found[name] for name in names}


def _sorted(
    codes: NDArray[np.int64], scores: NDArray[np.float64], side: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Codes and scores of one side by rising score."""
    own = scores[side]
    order = np.argsort(own, kind="stable")
    return codes[side][order], own[order]
