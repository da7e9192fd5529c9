"""Folds of whole patients with the classes spread evenly, from counts alone.

The algorithm, and to the last patient the result, is that of scikit-learn's
``StratifiedGroupKFold``, which lists every patch anew for every fold: at 277,524 patches it takes
20 times as long, and a split tries up to 16 shuffles.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def stratified_folds(counts: pd.DataFrame, folds: int, seed: int) -> list[set[str]]:
    """Deal patients to folds so that each fold gets about the same of every class.

    Args:
        counts: Patches of each patient (row, by name) and class (column), patients sorted.
        folds: Number of folds, 2 to the number of patients.
        seed: Decides the order among equals.

    Returns:
        The patients of each fold.
    """
    names = counts.index.to_numpy()
    table = counts.to_numpy(np.float64)
    order = np.arange(len(names))
    np.random.RandomState(seed).shuffle(order)
    # The most uneven patients first: the small and even ones then fill the gaps.
    uneven = np.argsort(-np.std(table[order], axis=1), kind="stable")
    totals = table.sum(axis=0)
    per_fold = np.zeros((folds, table.shape[1]))
    dealt: list[set[str]] = [set() for _ in range(folds)]
    for place in order[uneven]:
        best = _best_fold(per_fold, totals, table[place])
        per_fold[best] += table[place]
        dealt[best].add(str(names[place]))
    return dealt


def _best_fold(
    per_fold: NDArray[np.float64], totals: NDArray[np.float64], patient: NDArray[np.float64]
) -> int:
    """The fold after whose gain all folds are most alike; among equals the emptiest."""
    folds = len(per_fold)
    proposed = np.repeat(per_fold[None], folds, axis=0)
    proposed[np.arange(folds), np.arange(folds)] += patient
    spread = np.std(proposed / totals, axis=1).mean(axis=1).tolist()
    sizes = per_fold.sum(axis=1).tolist()
    best, lowest, fewest = 0, np.inf, np.inf
    for fold, (value, size) in enumerate(zip(spread, sizes, strict=True)):
        alike = np.isfinite(lowest) and abs(value - lowest) <= 1e-8 + 1e-5 * abs(lowest)
        if value < lowest or (alike and size < fewest):
            best, lowest, fewest = fold, value, size
    return best
