"""AUROC and average precision of one class against the rest, for many resamples at once.

A resample is a weight of each cluster (patient or patch): how often it was drawn. Weights are
whole numbers; the values are those of repeating the cluster's patches so many times.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from idc.metrics.grouped import share

FEW_CLUSTERS = 1_000  # a matrix of clusters x clusters then takes 8 MB
CELLS = 2_000_000  # float64 cells of an intermediate matrix: 16 MB


class Ranking(ABC):
    """Patches of one class ranked against the rest."""

    @abstractmethod
    def areas(
        self, weights: NDArray[np.float64], names: Collection[str]
    ) -> dict[str, NDArray[np.float64]]:
        """AUROC (ties count half) and average precision (no interpolation, as in scikit-learn).

        Args:
            weights: Whole numbers >= 0, float64 (draws, clusters).
            names: Which of `idc.metrics.metric_names.AREAS` to compute.

        Returns:
            Name to float64 (draws,) in [0, 1]; NaN for a draw that lacks a class.
        """


def build_ranking(
    positive: NDArray[np.bool_],
    scores: NDArray[np.floating],
    codes: NDArray[np.int64],
    clusters: int,
) -> Ranking:
    """Choose the faster implementation for the number of clusters.

    Args:
        positive: bool (N,).
        scores: float (N,); higher is more positive.
        codes: Unit of each patch, int64 (N,).
        clusters: Number of clusters.
    """
    kind = FewClusters if clusters <= FEW_CLUSTERS else ManyClusters
    return kind(positive, np.asarray(scores, np.float64), codes, clusters)


class FewClusters(Ranking):
    """Matrix products over clusters; cost grows with clusters x positives, not draws x patches."""

    def __init__(
        self,
        positive: NDArray[np.bool_],
        scores: NDArray[np.float64],
        codes: NDArray[np.int64],
        clusters: int,
    ) -> None:
        self.clusters = clusters
        self.counts = np.stack(
            [np.bincount(codes[subset], minlength=clusters) for subset in (positive, ~positive)]
        ).astype(np.float64)
        self.positive_codes, self.positive_scores = _sorted(codes, scores, positive)
        self.negative_codes, self.negative_scores = _sorted(codes, scores, ~positive)

    def areas(
        self, weights: NDArray[np.float64], names: Collection[str]
    ) -> dict[str, NDArray[np.float64]]:
        """See `Ranking.areas`."""
        pos, neg = self.counts @ weights.T
        areas = {}
        if "auroc" in names:
            concordant = ((weights @ self._concordant_pairs) * weights).sum(1)
            areas["auroc"] = share(concordant, pos * neg)
        if "average_precision" in names:
            areas["average_precision"] = share(self._precisions(weights), pos * (neg > 0))
        return areas

    @cached_property
    def _concordant_pairs(self) -> NDArray[np.float64]:
        """Positives of cluster i above negatives of cluster j, ties half: (clusters, clusters)."""
        concordant = np.empty((self.clusters, self.clusters))
        for cluster in range(self.clusters):
            negatives = self.negative_scores[self.negative_codes == cluster]
            below = np.searchsorted(negatives, self.positive_scores, "left")
            below += np.searchsorted(negatives, self.positive_scores, "right")
            concordant[:, cluster] = np.bincount(self.positive_codes, below / 2, self.clusters)
        return concordant

    def _precisions(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the positives of the precision at their score, (draws,)."""
        steps, place = np.unique(-self.positive_scores, return_inverse=True)
        # A negative counts from the first step whose score is not above its own.
        entry = np.searchsorted(steps, -self.negative_scores, "left")
        places, codes = (place, entry), (self.positive_codes, self.negative_codes)
        total = np.zeros(len(weights))
        passed = np.zeros((2, self.clusters))
        before = np.zeros((len(weights), 1))
        width = max(1, CELLS // max(len(weights), self.clusters))
        for start in range(0, len(steps), width):
            size = min(width, len(steps) - start)
            sums = []
            for subset in (0, 1):
                in_block = (places[subset] >= start) & (places[subset] < start + size)
                cell = codes[subset][in_block] * size + places[subset][in_block] - start
                new = np.bincount(cell, minlength=self.clusters * size).reshape(self.clusters, size)
                reached = passed[subset][:, None] + np.cumsum(new, axis=1)
                passed[subset] = reached[:, -1]
                sums.append(weights @ reached)
            tp, fp = sums
            rise = np.diff(tp, axis=1, prepend=before)
            total += (rise * tp / np.maximum(tp + fp, 1)).sum(1)
            before = tp[:, -1:]
        return total


class ManyClusters(Ranking):
    """Cumulative sums over the sorted patches, a few draws at a time."""

    def __init__(
        self,
        positive: NDArray[np.bool_],
        scores: NDArray[np.float64],
        codes: NDArray[np.int64],
        clusters: int,
    ) -> None:
        del clusters
        self.positive_codes, rising = _sorted(codes, scores, positive)
        self.negative_codes, negatives = _sorted(codes, scores, ~positive)
        self.ends = np.flatnonzero(np.append(np.diff(rising) != 0, True)[: len(rising)])
        self.below = np.searchsorted(negatives, rising[self.ends], "left")
        self.up_to = np.searchsorted(negatives, rising[self.ends], "right")

    def areas(
        self, weights: NDArray[np.float64], names: Collection[str]
    ) -> dict[str, NDArray[np.float64]]:
        """See `Ranking.areas`."""
        concordant, precise, pos, neg = np.zeros((4, len(weights)))
        reached = np.zeros(len(self.negative_codes) + 1)
        # One draw at a time: its weights stay in the processor's cache.
        for draw, weight in enumerate(weights):
            passed = np.cumsum(weight[self.positive_codes])[self.ends]
            np.cumsum(weight[self.negative_codes], out=reached[1:])
            rise = np.diff(passed, prepend=0)
            below = reached[self.below]
            pos[draw], neg[draw] = rise.sum(), reached[-1]
            if "auroc" in names:
                concordant[draw] = rise @ (below + reached[self.up_to]) / 2
            if "average_precision" in names:
                tp, fp = pos[draw] - passed + rise, neg[draw] - below
                precise[draw] = rise @ (tp / np.maximum(tp + fp, 1))
        areas = {
            "auroc": share(concordant, pos * neg),
            "average_precision": share(precise, pos * (neg > 0)),
        }
        return {name: areas[name] for name in names}


def _sorted(
    codes: NDArray[np.int64], scores: NDArray[np.float64], subset: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Clusters and scores of the patches of `subset`, by ascending score."""
    own = scores[subset]
    order = np.argsort(own, kind="stable")
    return codes[subset][order], own[order]
