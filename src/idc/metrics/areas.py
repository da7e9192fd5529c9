"""AUROC, average precision and their like, for many weightings of the patches at once."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from idc.metrics.definitions import AREA_METRICS, AREAS, Ranks

Floats = NDArray[np.float64]
CELLS = 130_000  # weights of patches held at once: 1 MB, which stays in the processor's cache
FEW_CLUSTERS = 10  # up to which a product with the counts of each cluster is faster


class Ranking:
    """Patches of one class ranked against the rest."""

    def __init__(
        self, positive: NDArray[np.bool_], scores: NDArray[np.floating], codes: NDArray[np.int64]
    ) -> None:
        """Sort the patches.

        Args:
            positive: bool (N,).
            scores: float (N,); higher is more positive.
            codes: Cluster of each patch, int64 (N,).
        """
        order = np.argsort(scores, kind="stable")
        ranked, is_positive = np.asarray(scores)[order], positive[order]
        self._positives, self._negatives = codes[order][is_positive], codes[order][~is_positive]
        rising, negatives = ranked[is_positive], ranked[~is_positive]
        self._ends = np.flatnonzero(np.append(np.diff(rising) != 0, True)[: len(rising)])
        self._below = np.searchsorted(negatives, rising[self._ends], "left")
        self._up_to = np.searchsorted(negatives, rising[self._ends], "right")

    def areas(self, weights: Floats, names: Collection[str] = AREAS) -> dict[str, Floats]:
        """The areas of weighted clusters; those of repeating the patches so many times.

        Args:
            weights: How often each cluster counts: whole numbers, float64 (draws, clusters).
            names: Which to compute.

        Returns:
            Name to float64 (draws,); NaN for a draw that lacks a class.
        """
        metrics = [metric for metric in AREA_METRICS if metric.name in names]
        areas = {metric.name: np.full(len(weights), np.nan) for metric in metrics}
        clusters = weights.shape[1]
        of_cluster = self._passed(np.eye(clusters)) if clusters <= FEW_CLUSTERS else None
        width = max(1, CELLS // (1 + len(self._positives) + len(self._negatives)))
        for start in range(0, len(weights), width):
            some = weights[start : start + width]
            passed = self._passed(some) if of_cluster is None else [some @ x for x in of_cluster]
            ranks = _ranks(*passed)
            both = ((ranks.positives > 0) & (ranks.negatives > 0))[:, 0]
            for metric in metrics:
                areas[metric.name][start : start + width][both] = metric.of_ranks(ranks)[both]
        return areas

    def _passed(self, weights: Floats) -> list[Floats]:
        """Weighted positives up to each score, negatives below it and up to it, both totals."""
        positives, negatives = (
            np.cumsum(np.take(weights, codes, axis=1), axis=1)  # np.take beats brackets
            for codes in (self._positives, self._negatives)
        )
        zero = np.zeros((len(weights), 1))
        positives, negatives = (np.concatenate([zero, x], axis=1) for x in (positives, negatives))
        up_to = np.take(positives, self._ends + 1, axis=1)
        below, at_or_below = (np.take(negatives, at, axis=1) for at in (self._below, self._up_to))
        return [up_to, below, at_or_below, positives[:, -1:], negatives[:, -1:]]


def _ranks(
    up_to: Floats, below: Floats, at_or_below: Floats, positives: Floats, negatives: Floats
) -> Ranks:
    new = np.diff(up_to, axis=1, prepend=0)
    tp, fp = positives - up_to + new, negatives - below
    return Ranks(new, tp, fp, negatives - at_or_below, positives, negatives)


def areas_of(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> dict[str, float]:
    """The areas of some patches; see `Ranking`. NaN without one of the classes."""
    areas = Ranking(positive, scores, np.zeros(len(scores), np.int64)).areas(np.ones((1, 1)))
    return {name: float(value[0]) for name, value in areas.items()}


def grouped_areas(
    positive: NDArray[np.bool_],
    scores: NDArray[np.floating],
    groups: NDArray[np.integer],
    size: int,
) -> dict[str, Floats]:
    """The areas of each group of patches, such as a patient.

    Args:
        positive: bool (N,).
        scores: float (N,); higher is more positive.
        groups: Group of each patch, int (N,), 0..size-1.
        size: Number of groups.

    Returns:
        Name to float64 (size,), NaN where a group lacks a class.
    """
    areas = {name: np.full(size, np.nan) for name in AREAS}
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(size + 1))
    for group in range(size):
        rows = order[bounds[group] : bounds[group + 1]]
        for name, value in areas_of(positive[rows], scores[rows]).items():
            areas[name][group] = value
    return areas
