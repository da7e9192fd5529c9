"""Choice of the readers to compare: those who answered the same cases."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

LEAST = 10  # cases for a kappa
SEARCHED = 14  # readers in an exhaustive search: 16,000 sets


def sharing_readers(answered: NDArray[np.bool_], least: int = LEAST) -> list[int]:
    """The largest set of readers who share enough cases.

    A reader with few answers must not prevent a kappa of the others. All readers, if they share
    `least` cases; else the largest set of two or more that does (among equal sizes the one that
    shares most); else all, if they share any case; else the set that shares most.

    Args:
        answered: Whether a reader answered a case, bool (cases, readers). Of more than `SEARCHED`
            readers, those with the most answers are considered.
        least: Minimum number of shared cases.

    Returns:
        Column indices, in order; empty if no two readers share a case.
    """
    readers = answered.shape[1]
    if readers < 2:
        return []
    of_all = int(answered.all(axis=1).sum())
    if of_all >= least:
        return list(range(readers))
    order = np.argsort(-answered.sum(axis=0), kind="stable")
    places = np.sort(order[:SEARCHED]).tolist()
    patterns, counts = np.unique(answered[:, places], axis=0, return_counts=True)
    bits = patterns @ (1 << np.arange(len(places)))
    most: tuple[int, list[int]] = (0, [])
    for size in range(len(places), 1, -1):
        candidates = []
        for chosen in combinations(range(len(places)), size):
            mask = sum(1 << place for place in chosen)
            candidates.append((int(counts[(bits & mask) == mask].sum()), chosen))
        shared, best = max(candidates, key=lambda pair: pair[0])
        if shared >= least:
            return [places[place] for place in best]
        if shared > most[0]:
            most = (shared, [places[place] for place in best])
    return list(range(readers)) if of_all else most[1]
