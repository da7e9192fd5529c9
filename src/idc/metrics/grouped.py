"""Metrics of many groups of patches (patients, slices) at once.

The conventions are those of `idc.metrics.collection`: a metric that is undefined because a class
does not occur is NaN, and the precision of a group in which nothing is called positive is 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DecisionCounts:
    """Counts of right and wrong two-class decisions.

    Attributes:
        tp: Positives called positive, int64 (G,), one count per group.
        fp: Negatives called positive.
        fn: Positives called negative.
        tn: Negatives called negative.
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]
    tn: NDArray[np.int64]

    def metrics(self) -> dict[str, Floats]:
        """The metrics of each group.

        Returns:
            ``accuracy``, ``balanced_accuracy``, ``precision``, ``recall``, ``specificity`` and
            ``f1``, float64 (G,) in [0, 1]. Without positives, precision, recall and F1 are NaN;
            without negatives, specificity; balanced accuracy is where either is.
        """
        positives, negatives = self.tp + self.fn, self.tn + self.fp
        recall, specificity = share(self.tp, positives), share(self.tn, negatives)
        precision = share(self.tp, np.maximum(self.tp + self.fp, 1))
        return {
            "accuracy": share(self.tp + self.tn, positives + negatives),
            "balanced_accuracy": (recall + specificity) / 2,
            "precision": np.where(positives > 0, precision, np.nan),
            "recall": recall,
            "specificity": specificity,
            "f1": np.where(
                positives > 0, share(2 * self.tp, 2 * self.tp + self.fp + self.fn), np.nan
            ),
        }


def count_decisions(
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    groups: NDArray[np.integer],
    size: int,
) -> DecisionCounts:
    """Count the two-class decisions of each group.

    Args:
        labels: 0 or 1, int (N,).
        predicted: 0 or 1, int (N,).
        groups: Group of each patch, int (N,), 0..size-1.
        size: Number of groups.
    """
    table = confusion_matrices(labels, predicted, groups, size, 2)
    return DecisionCounts(table[:, 1, 1], table[:, 0, 1], table[:, 1, 0], table[:, 0, 0])


def confusion_matrices(
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    groups: NDArray[np.integer],
    size: int,
    classes: int,
) -> NDArray[np.int64]:
    """Confusion matrix of each group.

    Args:
        labels: int (N,), 0..classes-1.
        predicted: int (N,), 0..classes-1.
        groups: Group of each patch, int (N,), 0..size-1.
        size: Number of groups.
        classes: k.

    Returns:
        int64 (size, k, k); rows are the labels, columns the decisions.
    """
    cell = (np.asarray(groups, np.int64) * classes + labels) * classes + predicted
    counts = np.bincount(cell, minlength=size * classes**2)
    return counts.astype(np.int64).reshape(size, classes, classes)


def macro_metrics(matrices: NDArray[np.integer]) -> dict[str, Floats]:
    """Accuracy over patches, and macro averages of the other metrics.

    As in torchmetrics, a class that is neither a label nor a decision in a group is left out of
    its means, and one that is predicted but does not occur counts with a recall of 0.

    Args:
        matrices: Confusion matrices, int (G, k, k), from `confusion_matrices`.

    Returns:
        ``accuracy``, ``balanced_accuracy`` (equal to the recall), ``precision``, ``recall``,
        ``specificity`` and ``f1``, float64 (G,) in [0, 1]; NaN for an empty group.
    """
    tp = matrices.diagonal(axis1=1, axis2=2)
    fn, fp = matrices.sum(2) - tp, matrices.sum(1) - tp
    total = matrices.sum((1, 2))
    tn = total[:, None] - tp - fn - fp
    occurs = tp + fn + fp > 0

    def mean(part: NDArray[np.integer], whole: NDArray[np.integer]) -> Floats:
        values = share(part, np.maximum(whole, 1))
        return share(np.where(occurs, values, 0).sum(1), occurs.sum(1))

    recall = mean(tp, tp + fn)
    return {
        "accuracy": share(tp.sum(1), total),
        "balanced_accuracy": recall,
        "precision": mean(tp, tp + fp),
        "recall": recall,
        "specificity": mean(tn, tn + fp),
        "f1": mean(2 * tp, 2 * tp + fp + fn),
    }


def share(
    part: NDArray[np.integer] | NDArray[np.floating],
    whole: NDArray[np.integer] | NDArray[np.floating],
) -> Floats:
    """``part / whole``, float64, NaN where the whole is 0."""
    ratio = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=ratio, where=np.asarray(whole) != 0)
    return ratio


def grouped_areas(
    positive: NDArray[np.bool_],
    scores: NDArray[np.floating],
    groups: NDArray[np.integer],
    size: int,
) -> dict[str, Floats]:
    """Area under the ROC curve (from rank sums) and average precision of each group.

    Equal scores share a threshold, as in scikit-learn and torchmetrics.

    Args:
        positive: Whether a patch is of the positive class, bool (N,).
        scores: Larger for more positive, float (N,).
        groups: Group of each patch, int (N,), 0..size-1.
        size: Number of groups.

    Returns:
        ``auroc`` and ``average_precision``, float64 (size,) in [0, 1], NaN where a group lacks
        positives or negatives.
    """
    order = np.lexsort((-np.asarray(scores), groups))
    group, ranked = np.asarray(groups, np.int64)[order], np.asarray(scores)[order]
    last = (np.diff(group, append=-1) != 0) | (np.diff(ranked, append=np.nan) != 0)
    ends = np.flatnonzero(last)
    of_end = group[ends]
    hits = np.asarray(positive, np.int64)[order]
    positives = np.bincount(group, hits, size).astype(np.int64)
    negatives = np.bincount(group, 1 - hits, size).astype(np.int64)
    # Running counts within the group: subtract those of all groups before it.
    tps = np.cumsum(hits)[ends] - (np.cumsum(positives) - positives)[of_end]
    fps = np.cumsum(1 - hits)[ends] - (np.cumsum(negatives) - negatives)[of_end]
    first = np.diff(of_end, prepend=-1) != 0
    rise = np.where(first, tps, np.diff(tps, prepend=0))
    above = fps - np.where(first, fps, np.diff(fps, prepend=0)) / 2  # ties count half
    both = (positives > 0) & (negatives > 0)
    concordant = np.bincount(of_end, rise * (negatives[of_end] - above), size)
    precision_sum = np.bincount(of_end, rise * share(tps, tps + fps), size)
    return {
        "auroc": np.where(both, share(concordant, positives * negatives), np.nan),
        "average_precision": np.where(both, share(precision_sum, positives), np.nan),
    }
