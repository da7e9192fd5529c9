"""Metrics of decisions, counted for many groups (patients, slices) at once.

They follow the collection's rules: what a class that does not occur leaves undefined is NaN, and
the precision of a group in which nothing is called positive is 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Decisions:
    """Right and wrong decisions of two classes, counted.

    Attributes:
        tp: Positives called positive, int64 (G,), one count a group.
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
) -> Decisions:
    """Count two-class decisions a group.

    Args:
        labels: 0 or 1, int (N,).
        predicted: 0 or 1, int (N,).
        groups: Group of each patch, int (N,), 0..size-1.
        size: Number of groups.
    """
    table = confusion_matrices(labels, predicted, groups, size, 2)
    return Decisions(table[:, 1, 1], table[:, 0, 1], table[:, 1, 0], table[:, 0, 0])


def confusion_matrices(
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    groups: NDArray[np.integer],
    size: int,
    classes: int,
) -> NDArray[np.int64]:
    """A confusion matrix a group.

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
    """Accuracy over patches, and the rest as means over the classes.

    As in torchmetrics, a class that a group neither has nor is given is left out of its means, and
    one that is given but does not occur counts with a recall of 0.

    Args:
        matrices: Confusion matrices, int (G, k, k), as `confusion_matrices` gives them.

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
