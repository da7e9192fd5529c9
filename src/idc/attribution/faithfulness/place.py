"""Where the weight of a map lies: on the border, on the true signal."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.stats import rankdata

WIDTH = 0.04  # of the patch's side: 2 pixels of 50
TOO_MUCH = 2.0  # times what an even map puts there
TOLERANCE = 15 / 224  # of the patch's side


def border_measures(maps: NDArray[np.floating]) -> pd.DataFrame:
    """Share of the maps' positive values on the edge, and that of an even map.

    The edge is the outer `WIDTH` of each side, at least one pixel. Zero padding makes edges that
    the tissue does not have, and gradients pile up there.

    Args:
        maps: float (N, H, W).

    Returns:
        ``border_mass`` in [0, 1], NaN without positive values, and ``border_area``, the share of
        the pixels, which an even map has there; one row per patch.
    """
    down, right = (max(1, round(WIDTH * side)) for side in maps.shape[1:])
    edge = np.ones(maps.shape[1:], bool)
    edge[down:-down, right:-right] = False
    positive = np.nan_to_num(maps, posinf=0).clip(0, None).astype(np.float64)
    mass = positive.sum((1, 2))
    share = np.full(len(maps), np.nan)
    np.divide(positive[:, edge].sum(1), mass, out=share, where=mass > 0)
    return pd.DataFrame({"border_mass": share, "border_area": edge.mean()})


def truth_measures(maps: NDArray[np.floating], signal: NDArray[np.bool_]) -> pd.DataFrame:
    """Pointing game and localisation of one method.

    - ``pointing_game`` (Zhang et al. 2016): whether the map's largest value lies on the signal or
      near it. They allow 15 pixels where the shorter side is 224; the same share of the side is
      allowed here, 3 pixels of 50. Of several largest values the share of hits counts.
    - ``pointing_chance``: what a random place would hit.
    - ``localisation``: the chance that a pixel of the signal is rated above one beside it (the
      pixels' AUROC, ties count half); 0.5 by chance. It does not depend on the scale.
    - ``signal_mass``: share of the sum of the map's positive values that lies on the signal; by
      chance it is ``signal_area``, the signal's share of the patch. NaN without positive values.

    Args:
        maps: float (N, H, W).
        signal: bool (N, H, W).

    Returns:
        These columns, one row per patch; NaN for patches without signal, or full of it.
    """
    count = len(maps)
    flat, mask = (np.asarray(values).reshape(count, -1) for values in (maps, signal))
    inside = mask.sum(1)
    outside = mask.shape[1] - inside
    reach = int(TOLERANCE * max(maps.shape[1:]))
    near = np.zeros_like(mask)
    for i in np.flatnonzero(inside):
        near[i] = (distance_transform_edt(~signal[i]) <= reach).ravel()
    top = flat == flat.max(1, keepdims=True)
    ranks = (rankdata(flat, axis=1) * mask).sum(1)
    positive = np.clip(flat, 0, None).astype(np.float64)
    mass = positive.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = pd.DataFrame(
            {
                "pointing_game": (top & near).sum(1) / top.sum(1),
                "pointing_chance": near.mean(1),
                "localisation": (ranks - inside * (inside + 1) / 2) / (inside * outside),
                "signal_mass": (positive * mask).sum(1) / mass,
                "signal_area": mask.mean(1),
            }
        )
    table[(inside == 0) | (outside == 0)] = np.nan
    return table
