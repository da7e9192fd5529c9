"""Patches of a slide that cover one another."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# A bin's neighbours that have not been looked at from the other side.
NEIGHBOURS = ((0, 0), (0, 1), (1, -1), (1, 0), (1, 1))


def overlapping(index: pd.DataFrame, patch_size: int) -> NDArray[np.int64]:
    """Pairs of patches of one patient whose areas on the slide overlap.

    Args:
        index: ``group``, ``x``, ``y``, ``width``, ``height``; widths and heights above
            `patch_size` count as that.
        patch_size: Side of a bin in pixels: two patches that overlap lie in bins side by side.

    Returns:
        int64 (m, 2), positions in the index, the earlier first, sorted.
    """
    group = pd.factorize(index["patient"])[0].astype(np.int64)
    x, y = index["x"].to_numpy(np.int64), index["y"].to_numpy(np.int64)
    wide = np.minimum(index["width"].to_numpy(np.int64), patch_size)
    high = np.minimum(index["height"].to_numpy(np.int64), patch_size)
    column, row = x // patch_size + 1, y // patch_size + 1
    columns, rows = column.max(initial=0) + 2, row.max(initial=0) + 2
    bins = (group * rows + row) * columns + column
    order = np.argsort(bins, kind="stable")
    ordered = bins[order]
    parts = [np.empty((0, 2), np.int64)]
    for down, right in NEIGHBOURS:
        target = bins + down * columns + right
        low = np.searchsorted(ordered, target, side="left")
        high_end = np.searchsorted(ordered, target, side="right")
        step = 0
        while (has := np.flatnonzero(low + step < high_end)).size:
            one, two = has, order[low[has] + step]
            touch = (x[one] < x[two] + wide[two]) & (x[two] < x[one] + wide[one])
            touch &= (y[one] < y[two] + high[two]) & (y[two] < y[one] + high[one])
            touch &= one != two
            parts.append(np.sort(np.stack([one[touch], two[touch]], axis=1), axis=1))
            step += 1
    return np.asarray(np.unique(np.concatenate(parts), axis=0), np.int64)
