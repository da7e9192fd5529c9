"""Stitching of patch maps into a seamless map of the slide."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idc.errors import DataError


@dataclass(frozen=True)
class Stitched:
    """A map of a slide.

    Attributes:
        values: float32 (h, w), NaN where there is no patch.
        left: Slide x of the map's left edge, in slide pixels.
        top: Slide y of the map's upper edge, in slide pixels.
        scale: Slide pixels per map pixel.
    """

    values: NDArray[np.float32]
    left: int
    top: int
    scale: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top in slide pixels, for imshow with y downwards."""
        height, width = self.values.shape
        right, bottom = self.left + width * self.scale, self.top + height * self.scale
        return self.left, right, bottom, self.top


def stitch(
    maps: NDArray[np.floating],
    x: NDArray[np.integer],
    y: NDArray[np.integer],
    patch_size: int,
    cell: int,
    blend: bool = True,
    margin: float = 0.2,
) -> Stitched:
    """Stitch the maps of a slide's patches.

    Values are not rescaled, so they are comparable across the slide as far as the method's are.
    Patches are explained separately, so neighbours rarely agree at their common border. Blending
    feathers them: each map is extended by its edge values for a margin, and fades out over the
    margin on both sides of the edge along a raised cosine, while the neighbour fades in; the two
    weights sum to 1. Edge values are used because reflections would duplicate a hot spot.

    Args:
        maps: float (n, H, W), n > 0, finite.
        x: Left edge of each patch in slide pixels, int (n,).
        y: Upper edge of each patch in slide pixels, int (n,).
        patch_size: Side of a patch in slide pixels.
        cell: Side of a patch in the map, in pixels, >= 1.
        blend: Whether to blend across borders.
        margin: Width of the blending on either side of a border, as a share of a patch's side, in
            [0, 0.5].

    Returns:
        The map; for a complete grid as large as `idc.plots.mosaic.mosaic` at the same `cell`.
        Overlapping patches are averaged by weight. Farther than the margin from a neighbour, a
        patch's map is unchanged, apart from resizing to `cell`.

    Raises:
        DataError: There is no patch.
        ValueError: `cell` or `margin` is out of its range.
    """
    if not len(maps):
        raise DataError("stitching a slide's map: there are no patches.")
    if cell < 1 or not 0 <= margin <= 0.5:
        raise ValueError(f"cell={cell}, margin={margin}: give 1 or more, and 0 to 0.5")
    left, top = int(np.min(x)), int(np.min(y))
    column, row = (_places(v, first, patch_size, cell) for v, first in ((x, left), (y, top)))
    reach = int(margin * cell) if blend else 0
    weight = _window(cell, reach)
    # A frame of the width of the margin holds the extensions of the outer patches.
    shape = (int(row.max()) + cell + 2 * reach, int(column.max()) + cell + 2 * reach)
    total, weights = np.zeros(shape), np.zeros(shape)
    covered = np.zeros(shape, bool)
    side = cell + 2 * reach
    for values, i, j in zip(maps, row, column, strict=True):
        tile = np.pad(_resize(values, cell), reach, mode="edge")
        at = np.s_[i : i + side, j : j + side]
        total[at] += weight * tile
        weights[at] += weight
        covered[i + reach : i + reach + cell, j + reach : j + reach + cell] = True
    with np.errstate(invalid="ignore"):  # 0 / 0 where there is no patch
        mean = np.where(covered, total / weights, np.nan)
    inner = np.s_[reach : shape[0] - reach, reach : shape[1] - reach]
    return Stitched(mean[inner].astype(np.float32), left, top, patch_size / cell)


def _places(
    values: NDArray[np.integer], first: int, patch_size: int, cell: int
) -> NDArray[np.int64]:
    """First pixel of each patch in the map."""
    return np.rint((np.asarray(values, np.float64) - first) * cell / patch_size).astype(np.int64)


def _resize(values: NDArray[np.floating], cell: int) -> NDArray[np.float64]:
    """Resize by area averaging if smaller, else bilinearly."""
    given = np.asarray(values, np.float64)
    if given.shape == (cell, cell):
        return given
    method = cv2.INTER_AREA if cell < min(given.shape) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(given, (cell, cell), interpolation=method), np.float64)


def _window(cell: int, reach: int) -> NDArray[np.float64]:
    """Blending weights: 1 inside, falling to 0 across the border, where w(t) + w(-t) = 1."""
    rise = np.sin(np.pi * (np.arange(2 * reach) + 0.5) / (4 * max(reach, 1))) ** 2
    line = np.concatenate([rise, np.ones(cell - 2 * reach), rise[::-1]])
    return np.outer(line, line)
