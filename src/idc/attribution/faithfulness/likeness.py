"""Comparing maps: how alike two are, and random maps that are as smooth as a given one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

FLAT = 1e-6  # range of a map, as a share of its largest value, below which it says nothing


def is_flat(maps: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which maps are the same everywhere, or not finite anywhere, bool (N,).

    Args:
        maps: float (N, H, W).
    """
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
        seeds: A seed for each map, (N,); a map's random maps depend on nothing else.

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
    comparable = ~is_flat(sizes[0]) & ~is_flat(sizes[1])
    dot = (centred[0] * centred[1]).sum(1)
    norm = lengths[0] * lengths[1]
    return np.asarray(
        np.divide(dot, norm, out=np.full(len(dot), np.nan), where=comparable & (norm > 0))
    )
