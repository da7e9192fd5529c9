"""All thresholds that divide a list of scores differently, with their counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cuts:
    """All distinct decisions of a threshold in [0, 1], strictest first.

    Attributes:
        lowest: Lowest score that each cut calls positive, float64 (M,), descending; 1 for the cut
            that calls nothing positive.
        tp: Positive patches called positive, int64 (M,).
        fp: Negative patches called positive, int64 (M,).
        positives: Number of positive patches.
        negatives: Number of negative patches.
    """

    lowest: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    positives: int
    negatives: int

    @property
    def called(self) -> NDArray[np.int64]:
        """Patches called positive, int64 (M,)."""
        return self.tp + self.fp

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of the positive patches that are called positive, float64 (M,)."""
        return self.tp / self.positives

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of true positives among the patches called positive, float64 (M,); NaN for none."""
        share = np.full(len(self.tp), np.nan)
        np.divide(self.tp, self.called, out=share, where=self.called > 0)
        return share

    def threshold(self, number: int) -> float:
        """Threshold of a cut: half way between the scores on either side."""
        inside = self.lowest[number]
        outside = self.lowest[number + 1] if number + 1 < len(self.lowest) else 0.0
        middle = (inside + outside) / 2
        # The middle of neighbouring floats may round to the one outside.
        return float(middle if middle > outside else inside)


def all_cuts(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Cuts:
    """Count the decisions of every cut; equal scores stay together.

    Args:
        positive: bool (N,), both values present.
        scores: float64 (N,) in [0, 1].

    Returns:
        The cuts, with the one that calls nothing positive unless a patch scores 1, which every
        threshold in [0, 1] calls positive.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    lowest, called = ranked[last], last + 1
    tp = np.cumsum(positive[order], dtype=np.int64)[last]
    if ranked[0] < 1:
        lowest = np.append(1.0, lowest)
        called, tp = np.append(0, called), np.append(0, tp)
    positives = int(positive.sum())
    return Cuts(lowest, tp, called - tp, positives, len(scores) - positives)
