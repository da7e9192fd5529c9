"""Neighbouring patches of a slide, as a sparse matrix."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

MODEL = ("setting", "repeat", "fold")  # identify pooled models, each with its own slides


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Pairs of neighbouring patches of a slide, in both orders.

    A sparse matrix in compressed rows (CSR): the neighbours of patch i are
    ``columns[starts[i]:starts[i + 1]]``.

    Attributes:
        starts: int64 (n + 1,).
        columns: int64 (m,), 0..n-1.
        squared_distance: Of each pair, in patches, float64 (m,), 1 or more.
        slide: Slide of each patch, int64 (n,), 0..slides-1.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    squared_distance: NDArray[np.float64]
    slide: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of neighbours of each patch, int64 (n,)."""
        return np.diff(self.starts)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The first patch of each pair, int64 (m,); the second is in `columns`."""
        return np.repeat(np.arange(len(self.slide)), self.counts)

    def matrix(self, weights: NDArray[np.float64]) -> sparse.csr_array:
        """Build a sparse matrix (n, n) with one weight per pair.

        Args:
            weights: float64 (m,).
        """
        size = len(self.slide)
        return sparse.csr_array((weights, self.columns, self.starts), shape=(size, size))


def find_neighbours(frame: pd.DataFrame, patch_size: int, radius: int = 1) -> Neighbours:
    """Find the patches up to `radius` places away in x and in y (8 for a radius of 1).

    Places are counted from each slide's smallest x and y and rounded to whole patches, as in
    `idc.plots.mosaic.find_places`. Patches in the same place are not neighbours of each other, but
    share their neighbours. Patches without a position have none. Neighbours belong to the same
    patient, and to the same model if several were pooled (``setting``, ``repeat``, ``fold``).

    Args:
        frame: ``patient``, ``x``, ``y`` (slide pixels) and, if models were pooled, their
            columns; n rows.
        patch_size: Side of a patch in slide pixels.
        radius: In patches, 0 or more.
    """
    size = len(frame)
    slide = _slides(frame)
    xy = frame[["x", "y"]].to_numpy(np.float64, na_value=np.nan)
    placed = np.flatnonzero(np.isfinite(xy).all(1))
    key, stride = _keys(xy[placed], slide[placed], patch_size, radius)
    order = np.argsort(key, kind="stable")
    key, patch = key[order], placed[order]
    firsts, seconds, squares = [], [], []
    for down in range(radius + 1):
        for right in range(
            -radius if down else 1, radius + 1
        ):  # half of them; the others are symmetric
            first_index, second_index = _matches(key, down * stride + right)
            firsts += [patch[first_index], patch[second_index]]
            seconds += [patch[second_index], patch[first_index]]
            squares.append(np.full(2 * len(first_index), down**2 + right**2, np.float64))
    if not firsts:
        return Neighbours(np.zeros(size + 1, np.int64), np.empty(0, np.int64), np.empty(0), slide)
    pair = (np.concatenate(firsts), np.concatenate(seconds))
    table = sparse.coo_array((np.concatenate(squares), pair), shape=(size, size)).tocsr()
    table.sort_indices()
    return Neighbours(
        table.indptr.astype(np.int64), table.indices.astype(np.int64), table.data, slide
    )


def connected_regions(
    inside: NDArray[np.bool_], neighbours: Neighbours
) -> tuple[NDArray[np.int64], int]:
    """Number the connected regions of patches (8-connectivity).

    Args:
        inside: Patches of the regions, bool (n,).
        neighbours: Neighbours within a radius of 1.

    Returns:
        Region of each patch, int64 (n,), 0..regions-1 and -1 outside, and the number of regions.
    """
    region = np.full(len(inside), -1, np.int64)
    if not inside.any():
        return region, 0
    links = neighbours.matrix(np.ones(len(neighbours.columns)))[inside][:, inside]
    regions, region[inside] = sparse.csgraph.connected_components(links, directed=False)
    return region, int(regions)


def _slides(frame: pd.DataFrame) -> NDArray[np.int64]:
    keys = [frame["patient"].astype(str), *(frame[name] for name in MODEL if name in frame)]
    return np.asarray(frame.groupby(keys, sort=False, dropna=False).ngroup(), np.int64)


def _keys(
    xy: NDArray[np.float64], slide: NDArray[np.int64], patch_size: int, radius: int
) -> tuple[NDArray[np.int64], int]:
    """Number of each place, and its increment from one row of places to the next."""
    corner = pd.DataFrame(xy).groupby(slide).transform("min").to_numpy(np.float64)
    column, row = ((xy - corner + patch_size // 2) // patch_size).astype(np.int64).T
    column, row = _close_up(column, radius), _close_up(row, radius)
    # Pad with as many empty places as the radius: steps out of a row or a slide end on one.
    wide = int(column.max(initial=0)) + 1 + radius
    tall = int(row.max(initial=0)) + 1 + radius
    return (slide * tall + row) * wide + column, wide


def _close_up(places: NDArray[np.int64], radius: int) -> NDArray[np.int64]:
    """Shorten the gaps that are wider than the radius, so that keys stay small."""
    values, at = np.unique(places, return_inverse=True)
    steps = np.minimum(np.diff(values, prepend=values[:1]), radius + 1)
    return np.asarray(np.cumsum(steps)[at], np.int64)


def _matches(key: NDArray[np.int64], step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (i, j) of sorted keys with ``key[j] == key[i] + step``."""
    first, last = (np.searchsorted(key, key + step, side) for side in ("left", "right"))
    counts = last - first
    first_index = np.repeat(np.arange(len(key)), counts)
    within = np.arange(len(first_index)) - np.repeat(np.cumsum(counts) - counts, counts)
    return first_index, np.repeat(first, counts) + within
