"""A sample of patches in which no patient outweighs the others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def balanced_sample(
    count: int,
    max_points: int,
    seed: int,
    patients: NDArray[Any] | None = None,
    labels: NDArray[np.integer] | None = None,
) -> NDArray[np.int64]:
    """Choose patches, as equally many of each patient as there are, the labels in proportion.

    Patients with few patches give all they have and the others share the rest evenly. Within a
    patient, labels are kept in the patient's own proportion (a systematic sample).

    Args:
        count: Number of patches.
        max_points: Largest number to choose.
        seed: Decides which.
        patients: Patient of each patch, (count,); None takes all as one.
        labels: int (count,); None does not look at labels.

    Returns:
        Sorted positions, int64 (min(count, max_points),).
    """
    if count <= max_points:
        return np.arange(count)
    rng = np.random.default_rng(seed)
    codes = np.zeros(count, np.int64)
    if patients is not None:
        codes = np.unique(np.asarray(patients, str), return_inverse=True)[1]
    order = np.lexsort((rng.random(count), np.zeros(count) if labels is None else labels, codes))
    sizes = np.bincount(codes)
    parts = []
    for part, share in zip(
        np.split(order, np.cumsum(sizes)[:-1]), _shares(sizes, max_points, rng), strict=True
    ):
        # Evenly spaced places, from a random start, in the patches sorted by label.
        places = (np.arange(share) + rng.random()) * len(part) / max(share, 1)
        parts.append(part[places.astype(np.int64)])
    return np.sort(np.concatenate(parts))


def _shares(sizes: NDArray[np.int64], total: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Numbers per patient: as equal as possible, within the sizes, `total` in all."""
    level = 0
    while np.minimum(sizes, level + 1).sum() <= total:
        level += 1
    shares = np.minimum(sizes, level)
    larger = np.flatnonzero(sizes > level)
    shares[rng.permutation(larger)[: total - shares.sum()]] += 1
    return shares
