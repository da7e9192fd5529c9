"""How alike two maps are in where they are strong."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from idc.attribution.faithfulness.spectrum import is_flat


def map_similarity(maps: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Spearman's rank correlation of the maps' absolute values, patch by patch.

    Args:
        maps: float (N, H, W).
        others: float (N, H, W).

    Returns:
        float64 (N,) in [-1, 1]; NaN where a map is flat or not finite: an empty map is neither like
        nor unlike another.
    """
    sizes = [np.abs(np.nan_to_num(m, posinf=0, neginf=0)) for m in (maps, others)]
    ranks = [rankdata(size.reshape(len(size), -1), axis=1) for size in sizes]
    centred = [rank - rank.mean(1, keepdims=True) for rank in ranks]
    lengths = [np.linalg.norm(c, axis=1) for c in centred]
    told = ~is_flat(sizes[0]) & ~is_flat(sizes[1])
    dot = (centred[0] * centred[1]).sum(1)
    norm = lengths[0] * lengths[1]
    return np.asarray(np.divide(dot, norm, out=np.full(len(dot), np.nan), where=told & (norm > 0)))
