"""The same pixels twice, nearly the same in two patients, the same place on a slide."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

Codes = NDArray[np.int64]
Hashes = NDArray[np.uint64]
BITS = 64
BLOCK = 4096  # pairs whose pixels are compared at once


def first_of_equal(hashes: Hashes) -> Codes:
    """For each row, the first row with the same hash, int64 (n,)."""
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def several_labels(first: Codes, labels: Codes) -> NDArray[np.bool_]:
    """Whether rows with a row's pixels (see `first_of_equal`) have more than one label, (n,)."""
    return np.asarray(pd.Series(labels).groupby(first).transform("nunique") > 1, bool)


def near_pairs(
    perceptual: Hashes,
    groups: Codes,
    patches: NDArray[np.uint8],
    rows: Codes,
    limits: Mapping[str, float],
) -> NDArray[np.int64]:
    """Pairs of rows of two patients that look nearly the same.

    Hashes at most n bits apart agree in at least one of n + 1 bands (pigeonhole; Manku et
    al. 2007, "Detecting near-duplicates for web crawling"), so only rows that share a band are
    compared. What the hash proposes, the pixels confirm.

    Args:
        perceptual: Perceptual hashes of the whole set, uint64 (N,).
        groups: One code per patient, int64 (N,).
        patches: uint8 (N, P, P, 3).
        rows: The rows to compare, int64 (n,).
        limits: ``near_bits``, the Hamming distance of the hashes, at most, and
            ``near_difference``, the mean absolute difference of the pixels, at most, in 0..255.

    Returns:
        int64 (m, 2), the earlier row first, sorted, none twice.
    """
    parts = [np.empty((0, 2), np.int64)]
    for pairs in _candidates(perceptual, groups, rows, int(limits["near_bits"])):
        for start in range(0, len(pairs), BLOCK):
            part = pairs[start : start + BLOCK]
            one, two = (patches[part[:, i]].astype(np.int16) for i in (0, 1))
            parts.append(part[np.abs(one - two).mean(axis=(1, 2, 3)) <= limits["near_difference"]])
    return np.asarray(np.unique(np.concatenate(parts), axis=0), np.int64)


def _candidates(
    perceptual: Hashes, groups: Codes, rows: Codes, bits: int
) -> Iterator[NDArray[np.int64]]:
    edges = np.linspace(0, BITS, bits + 2).astype(int)
    for low, high in pairwise(edges):
        mask = np.uint64((1 << int(high - low)) - 1)
        band = (perceptual[rows] >> np.uint64(low)) & mask
        order = np.argsort(band, kind="stable")
        ordered, keys = rows[order], band[order]
        step = 1
        # Rows that share a band stand together: compare each with the next, the one after, ...
        while (same := np.flatnonzero(keys[step:] == keys[:-step])).size:
            one, two = ordered[same], ordered[same + step]
            apart = np.bitwise_count(perceptual[one] ^ perceptual[two])
            near = (apart <= bits) & (groups[one] != groups[two])
            yield np.sort(np.stack([one[near], two[near]], axis=1), axis=1)
            step += 1


def overlapping(index: pd.DataFrame, patch_size: int) -> NDArray[np.int64]:
    """Pairs of patches of one patient whose areas on the slide overlap.

    Args:
        index: ``patient``, ``x``, ``y``, ``width``, ``height``; widths and heights above
            `patch_size` count as that.
        patch_size: Side of a patch in pixels.

    Returns:
        int64 (m, 2), positions in the index, the earlier first, sorted.
    """
    if index.empty:
        return np.empty((0, 2), np.int64)
    corner = index[["x", "y"]].to_numpy(np.int64)
    size = np.minimum(index[["width", "height"]].to_numpy(np.int64), patch_size)
    slide = pd.factorize(index["patient"])[0] * patch_size  # slides farther apart than patches
    tree = KDTree(np.column_stack([corner, slide]).astype(np.float64))
    pairs = tree.query_pairs(patch_size - 0.5, p=np.inf, output_type="ndarray").astype(np.int64)
    one, two = pairs.T
    touch = (corner[one] < corner[two] + size[two]) & (corner[two] < corner[one] + size[one])
    return np.asarray(np.unique(pairs[touch.all(1)], axis=0), np.int64)
