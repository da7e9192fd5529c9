"""Metrics of decisions of many groups of patches at once: patients, slices, resamples."""

import numpy as np
from numpy.typing import NDArray

from idc.metrics.definitions import DECISION_METRICS, Counts

Floats = NDArray[np.float64]


def share(
    part: NDArray[np.integer] | NDArray[np.floating],
    whole: NDArray[np.integer] | NDArray[np.floating],
) -> Floats:
    """``part / whole``, float64, NaN where the whole is 0."""
    ratio = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=ratio, where=np.asarray(whole) != 0)
    return ratio


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


def one_against_rest(matrices: NDArray[np.number]) -> Counts:
    """Counts of each class against the rest.

    Args:
        matrices: Confusion matrices, (G, k, k).

    Returns:
        Counts of float64 (G, k).
    """
    whole = np.asarray(matrices, np.float64)
    tp = whole.diagonal(axis1=1, axis2=2)
    fp, fn = whole.sum(1) - tp, whole.sum(2) - tp
    return Counts(tp, fp, fn, whole.sum((1, 2))[:, None] - tp - fp - fn)


def decision_metrics(matrices: NDArray[np.number]) -> dict[str, Floats]:
    """The metrics of decisions of each group.

    Args:
        matrices: Confusion matrices, (G, k, k).

    Returns:
        Name of each of `DECISION_METRICS` to float64 (G,). Two classes: of class 1, see
        `metrics_of_two`. More: macro averages (accuracy: over patches), in which, as in
        torchmetrics, a class that is neither a label nor a decision in a group is left out, and
        one that is predicted but does not occur counts with a recall of 0.
    """
    counts = one_against_rest(matrices)
    if matrices.shape[-1] == 2:
        return metrics_of_two(Counts(*(count[:, 1] for count in counts)))
    return {metric.name: metric.of_more(counts) for metric in DECISION_METRICS}


def metrics_of_two(counts: Counts) -> dict[str, Floats]:
    """The metrics of decisions of two classes.

    Args:
        counts: Of class 1, each (G,).

    Returns:
        Name of each of `DECISION_METRICS` to float64 (G,): NaN where a label that it needs does not
        occur; a precision without positive decisions is 0.
    """
    lacks = (counts.sum("fp tn") == 0, counts.sum("tp fn") == 0)
    metrics = {}
    for metric in DECISION_METRICS:
        undefined = np.any([lacks[label] for label in metric.needs], axis=0)
        metrics[metric.name] = np.where(undefined, np.nan, metric.of_two(counts))
    return metrics
