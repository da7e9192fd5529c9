"""Regions of evidence: the parts of a patch with most of an attribution's positive mass.

The map is smoothed slightly and its negative part is dropped. The evidence consists of the highest
pixels that together have a given share of the remaining mass. A threshold on the mass suits both
the few broad peaks of Grad-CAM and the speckle of pixel maps, and quantifies a region; Otsu's
threshold does not suit a map with a single peak, which has no two classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.measure import find_contours, label, regionprops

Points = NDArray[np.float64]
CHUNK = 256  # maps smoothed at once


@dataclass(frozen=True)
class Region:
    """A connected region of evidence in a patch.

    Points are x and y in patch pixels: pixel (row, column) covers column..column + 1 and
    row..row + 1, so a patch of W columns reaches from 0 to W.

    Attributes:
        box: First row, first column, last row + 1, last column + 1.
        contours: Closed rings, float64 (n, 2), x and y, first and last point equal: the outer
            border first, then the borders of holes.
        area: Pixels.
        share: Share of the map's positive mass after smoothing, in (0, 1].
        peak: x and y of the centre of the highest pixel.
        mean: Mean of the unsmoothed map.
    """

    box: tuple[int, int, int, int]
    contours: tuple[Points, ...]
    area: int
    share: float
    peak: tuple[float, float]
    mean: float


def find_regions(
    maps: NDArray[np.floating],
    share: float = 0.5,
    min_pixels: int = 12,
    max_regions: int = 5,
    smooth: float = 0.02,
) -> list[list[Region]]:
    """Find the regions of evidence for the explained class in each map.

    Args:
        maps: Attributions, float (N, H, W), finite; positive speaks for the class.
        share: Share of the positive mass of the highest pixels that form the regions, in (0, 1];
            ties with the lowest of them are included.
        min_pixels: Smaller regions are dropped.
        max_regions: Maximum number of regions per map, >= 0: those with the most mass.
        smooth: Standard deviation of the Gaussian with which the map is smoothed before its
            negative part is dropped, as a share of the patch's larger side; 0 for none.

    Returns:
        N lists, by descending share of the mass. Regions are 8-connected. A map without a positive
        part, or with only small regions, has none.

    Raises:
        ValueError: A map is not finite, or an argument is out of its range.
    """
    if maps.ndim != 3:
        raise ValueError(f"maps: expected shape (N, H, W), not {maps.shape}")
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: give a share of the mass in (0, 1]")
    if smooth < 0 or max_regions < 0:
        raise ValueError(f"smooth={smooth}, max_regions={max_regions}: give 0 or more")
    regions = []
    for start in range(0, len(maps), CHUNK):
        part = np.asarray(maps[start : start + CHUNK], np.float64)
        broken = np.flatnonzero(~np.isfinite(part).all((1, 2)))
        if len(broken):
            raise ValueError(f"map {start + broken[0]} has values that are not finite")
        sigma = smooth * max(part.shape[1:])
        smoothed = gaussian_filter(part, (0, sigma, sigma), mode="nearest") if sigma else part
        for raw, high in zip(part, np.maximum(smoothed, 0), strict=True):
            regions.append(_regions(raw, high, share, min_pixels, max_regions))
    return regions


def _regions(
    raw: Points, high: Points, share: float, min_pixels: int, max_regions: int
) -> list[Region]:
    total = high.sum()
    if not total > 0:
        return []
    lowest = _mass_threshold(high, share)
    numbers = label(high >= lowest, connectivity=2)
    area = np.bincount(numbers.ravel())
    mass = np.bincount(numbers.ravel(), high.ravel())
    large = np.flatnonzero(area >= min_pixels)
    large = large[large > 0]
    kept = large[np.argsort(-mass[large], kind="stable")][:max_regions]
    # Between the lowest pixel inside and the highest outside, so that no pixel equals the level.
    outside = high[high < lowest].max(initial=0.0)
    level = (lowest + outside) / 2
    rank = np.zeros(len(area), np.int64)
    rank[kept] = np.arange(1, len(kept) + 1)
    props = regionprops(rank[numbers], high)
    regions = []
    for part in props:
        inside = np.zeros_like(high, bool)
        inside[part.slice] = part.image
        top, left, bottom, right = (int(edge) for edge in part.bbox)
        row, column = np.unravel_index(np.argmax(np.where(inside, high, -1)), high.shape)
        regions.append(
            Region(
                box=(top, left, bottom, right),
                contours=_contours(high, inside, level),
                area=int(part.area),
                share=min(float(mass[kept[part.label - 1]] / total), 1.0),
                peak=(float(column) + 0.5, float(row) + 0.5),
                mean=float(raw[inside].mean()),
            )
        )
    return regions


def _mass_threshold(high: Points, share: float) -> float:
    """Lowest of the highest values that together have a share of the sum."""
    descending = np.sort(high[high > 0])[::-1]
    cumulative = np.cumsum(descending)
    # Rounding errors of the sum must not add a pixel.
    target = share * cumulative[-1] * (1 - 1e-9)
    return float(descending[np.searchsorted(cumulative, target)])


def _contours(high: Points, inside: NDArray[np.bool_], level: float) -> tuple[Points, ...]:
    """Contours of a region: level sets of the map, as smooth as it, closed at the patch's edge."""
    heights = np.where(inside, high - level, -np.abs(high - level))
    # The mirrored height beyond the patch puts the crossing on the edge itself.
    ring = np.pad(heights, 1, mode="edge")
    frame = np.ones_like(ring, bool)
    frame[1:-1, 1:-1] = False
    ring[frame] = -np.abs(ring[frame])
    lines = find_contours(ring, 0.0, fully_connected="high")
    limit = np.array(high.shape[::-1], np.float64)
    # A pixel's centre is at +0.5; minus the frame of one pixel.
    rings = [np.clip(line[:, ::-1] - 0.5, 0, limit) for line in lines]
    return tuple(sorted(rings, key=_extent, reverse=True))


def _extent(ring: Points) -> float:
    """Area inside a ring."""
    x, y = ring.T
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2
