"""Random maps that are as smooth as a given one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
