"""Where the evidence lies: the parts of a patch that hold most of an attribution's positive mass.

A map is smoothed a little and its negative part is left out. The highest pixels that together
hold a given share of what is left are the evidence. A threshold on the mass does the same on
Grad-CAM's few broad hills as on the speckle of pixel maps, and says what a region is worth;
Otsu's threshold was set aside, as a map of one hill has no two classes to part.
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
    """A connected part of a patch in which evidence lies.

    Points are x and y in patch pixels: pixel (row, column) covers column..column + 1 and
    row..row + 1, so a patch of W columns reaches from 0 to W.

    Attributes:
        box: First row, first column, last row + 1, last column + 1.
        contours: Closed rings, float64 (n, 2), x and y, first and last point equal: the outer
            border first, then the borders of holes.
        area: Pixels.
        share: Of the map's positive mass, in (0, 1], after smoothing.
        peak: x and y of the middle of the highest pixel.
        mean: Mean of the map as it was given.
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
    """The regions of evidence for the explained class in each map.

    Args:
        maps: Attributions, float (N, H, W), finite; positive speaks for the class.
        share: The highest pixels are taken until they hold this share of the positive mass, in
            (0, 1]; pixels as high as the last of them are taken too.
        min_pixels: Smaller regions are left out.
        max_regions: At most so many a map, >= 0: those with most mass.
        smooth: Standard deviation of the Gaussian that the map is smoothed with before its sign
            counts, as a share of the patch's larger side; 0 for none.

    Returns:
        N lists, the region with the largest share of the mass first. Pixels that touch at a
        corner belong together. A map without a positive part, or whose regions are all too
        small, has none.

    Raises:
        ValueError: A map is not finite, or an argument is out of its range.
    """
    if maps.ndim != 3:
        raise ValueError(f"maps: (N, H, W) is needed, not {maps.shape}")
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: give a share of the mass, above 0 and up to 1")
    if smooth < 0 or max_regions < 0:
        raise ValueError(f"smooth={smooth}, max_regions={max_regions}: give 0 or more")
    found = []
    for start in range(0, len(maps), CHUNK):
        part = np.asarray(maps[start : start + CHUNK], np.float64)
        broken = np.flatnonzero(~np.isfinite(part).all((1, 2)))
        if len(broken):
            raise ValueError(f"map {start + broken[0]} has values that are not finite")
        sigma = smooth * max(part.shape[1:])
        calm = gaussian_filter(part, (0, sigma, sigma), mode="nearest") if sigma else part
        for given, high in zip(part, np.maximum(calm, 0), strict=True):
            found.append(_regions(given, high, share, min_pixels, max_regions))
    return found


def _regions(
    given: Points, high: Points, share: float, min_pixels: int, max_regions: int
) -> list[Region]:
    total = high.sum()
    if not total > 0:
        return []
    lowest = _lowest(high, share)
    numbers = label(high >= lowest, connectivity=2)
    area = np.bincount(numbers.ravel())
    mass = np.bincount(numbers.ravel(), high.ravel())
    large = np.flatnonzero(area >= min_pixels)
    large = large[large > 0]
    kept = large[np.argsort(-mass[large], kind="stable")][:max_regions]
    # Between the lowest pixel inside and the highest outside, so that no pixel lies on it.
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
                mean=float(given[inside].mean()),
            )
        )
    return regions


def _lowest(high: Points, share: float) -> float:
    """The lowest of the highest values that together hold a share of the sum."""
    falling = np.sort(high[high > 0])[::-1]
    running = np.cumsum(falling)
    # What adding up loses to rounding must not take in one pixel more.
    needed = share * running[-1] * (1 - 1e-9)
    return float(falling[np.searchsorted(running, needed)])


def _contours(high: Points, inside: NDArray[np.bool_], level: float) -> tuple[Points, ...]:
    """The rings round a region, between its pixels and the others; along the patch's edge, on it.

    The ring runs where the map crosses the level, so it is as smooth as the map.
    """
    heights = np.where(inside, high - level, -np.abs(high - level))
    # Beyond the patch stands the mirrored height: the crossing falls on the edge itself.
    ring = np.pad(heights, 1, mode="edge")
    rim = np.ones_like(ring, bool)
    rim[1:-1, 1:-1] = False
    ring[rim] = -np.abs(ring[rim])
    lines = find_contours(ring, 0.0, fully_connected="high")
    limit = np.array(high.shape[::-1], np.float64)
    # A pixel's middle is at +0.5, and the frame of one pixel is taken off.
    rings = [np.clip(line[:, ::-1] - 0.5, 0, limit) for line in lines]
    return tuple(sorted(rings, key=_extent, reverse=True))


def _extent(ring: Points) -> float:
    """Area inside a ring."""
    x, y = ring.T
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2
