"""How much of the maps lies on the patch's edge, where a network's padding shows."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WIDTH = 0.04  # of the patch's side: 2 pixels of 50
TOO_MUCH = 2.0  # times what an even map puts there


def border_measures(maps: NDArray[np.floating]) -> pd.DataFrame:
    """Share of the maps' positive values on the edge, and what is to be expected.

    The edge is the outer `WIDTH` of each side, a pixel at least. Zero padding makes edges that
    the tissue does not have, and gradients pile up there.

    Args:
        maps: float (N, H, W).

    Returns:
        ``border_mass`` in [0, 1], NaN without positive values, and ``border_area``, the share of
        the pixels, which an even map has there; a row a patch.
    """
    down, right = (max(1, round(WIDTH * side)) for side in maps.shape[1:])
    edge = np.ones(maps.shape[1:], bool)
    edge[down:-down, right:-right] = False
    positive = np.nan_to_num(maps, posinf=0).clip(0, None).astype(np.float64)
    mass = positive.sum((1, 2))
    share = np.full(len(maps), np.nan)
    np.divide(positive[:, edge].sum(1), mass, out=share, where=mass > 0)
    return pd.DataFrame({"border_mass": share, "border_area": edge.mean()})
