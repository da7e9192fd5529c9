"""Areas under the curves of many groups (patients, slices) at once."""

import numpy as np
from numpy.typing import NDArray

from idc.metrics.decisions import Floats, share


def grouped_areas(
    positive: NDArray[np.bool_],
    scores: NDArray[np.floating],
    groups: NDArray[np.integer],
    size: int,
) -> dict[str, Floats]:
    """Area under the ROC curve, by rank sums, and average precision, a group.

    Equal scores are cut together, as in scikit-learn and torchmetrics.

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
    # Running counts inside the group: those of all groups before it are taken off.
    tps = np.cumsum(hits)[ends] - (np.cumsum(positives) - positives)[of_end]
    fps = np.cumsum(1 - hits)[ends] - (np.cumsum(negatives) - negatives)[of_end]
    first = np.diff(of_end, prepend=-1) != 0
    rise = np.where(first, tps, np.diff(tps, prepend=0))
    above = fps - np.where(first, fps, np.diff(fps, prepend=0)) / 2  # ties count half
    both = (positives > 0) & (negatives > 0)
    beaten = np.bincount(of_end, rise * (negatives[of_end] - above), size)
    weighed = np.bincount(of_end, rise * share(tps, tps + fps), size)
    return {
        "auroc": np.where(both, share(beaten, positives * negatives), np.nan),
        "average_precision": np.where(both, share(weighed, positives), np.nan),
    }
