"""What the maps alone show: flat, alike, on the border, on the true signal."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.stats import rankdata

FLAT = 1e-6  # range of a map, as a share of its largest value, below which it says nothing
WIDTH = 0.04  # of the patch's side: 2 pixels of 50
TOO_MUCH = 2.0  # times what an even map puts there
TOLERANCE = 15 / 224  # of the patch's side


def is_flat(maps: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which maps, float (N, H, W), are even, or not finite anywhere, bool (N,)."""
    maps = np.nan_to_num(maps, posinf=0, neginf=0)
    return np.asarray(np.ptp(maps, axis=(1, 2)) <= FLAT * np.abs(maps).max((1, 2)))


def random_maps_like(
    maps: NDArray[np.floating], count: int, seeds: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    """Maps with the same Fourier amplitudes, whose phases are random.

    They are as smooth as the map and have the same mean and variance, so that taking out a share
    of the pixels by them leaves holes of the same kind, elsewhere. The phases are those of white
    noise (the surrogates of Theiler et al. 1992), which keeps the maps real.

    Args:
        maps: float (N, H, W).
        count: Random maps for each.
        seeds: Of each map, (N,); a map's random maps depend on nothing else.

    Returns:
        float64 (N, count, H, W); a flat map's random maps are that map.
    """
    height, width = maps.shape[1:]
    noise = np.stack(
        [np.random.default_rng(seed).standard_normal((count, height, width)) for seed in seeds]
    )
    phases = np.angle(np.fft.rfft2(noise))
    values = np.asarray(maps, np.float64)[:, None]
    spectra = np.fft.rfft2(values)
    phases[..., 0, 0] = np.angle(spectra[..., 0, 0])  # the mean stays
    random = np.fft.irfft2(np.abs(spectra) * np.exp(1j * phases), s=(height, width))
    return np.where(is_flat(maps)[:, None, None, None], values, random)


def map_similarity(maps: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Spearman's rank correlation of the absolute values of maps, both float (N, H, W).

    Returns:
        float64 (N,) in [-1, 1]; NaN where a map is flat or not finite: an empty map is neither like
        nor unlike another.
    """
    sizes = [np.abs(np.nan_to_num(m, posinf=0, neginf=0)) for m in (maps, others)]
    ranks = [rankdata(size.reshape(len(size), -1), axis=1) for size in sizes]
    centred = [rank - rank.mean(1, keepdims=True) for rank in ranks]
    lengths = [np.linalg.norm(c, axis=1) for c in centred]
    comparable = ~is_flat(sizes[0]) & ~is_flat(sizes[1])
    dot = (centred[0] * centred[1]).sum(1)
    norm = lengths[0] * lengths[1]
    return np.asarray(
        np.divide(dot, norm, out=np.full(len(dot), np.nan), where=comparable & (norm > 0))
    )


def border_measures(maps: NDArray[np.floating]) -> pd.DataFrame:
    """Share of the positive values of maps, float (N, H, W), on the edge.

    The edge is the outer `WIDTH` of each side, at least one pixel. Zero padding makes edges that
    the tissue does not have, and gradients pile up there.

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
    """Pointing game and localisation of one method, of maps and a signal, both (N, H, W).

    - ``pointing_game`` (Zhang et al. 2016): whether the map's largest value lies on the signal or
      near it. They allow 15 pixels where the shorter side is 224; the same share of the side is
      allowed here, 3 pixels of 50. Of several largest values the share of hits counts.
    - ``pointing_chance``: what a random place would hit.
    - ``localisation``: the chance that a pixel of the signal is rated above one beside it (the
      pixels' AUROC, ties count half); 0.5 by chance. It does not depend on the scale.
    - ``signal_mass``: share of the sum of the map's positive values that lies on the signal; by
      chance it is ``signal_area``, the signal's share of the patch. NaN without positive values.

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
