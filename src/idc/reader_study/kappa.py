"""Chance-corrected agreement with intervals: Cohen's kappa and Fleiss' kappa."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from idc.metrics.resampling import Clusters, patient_clusters
from idc.metrics.spread import Spread

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
LEAST_DEFINED = 0.9  # share of the draws in which kappa must be defined, for an interval


@dataclass(frozen=True)
class Kappa:
    """A kappa with its interval.

    Attributes:
        value: Kappa in [-1, 1]; NaN if undefined.
        low: Lower bound of its interval; NaN if there is none.
        high: Upper bound.
        observed: Share of cases (Cohen), or of pairs of readers over cases (Fleiss), that agree.
        cases: Number of cases.
        patients: Number of patients, the clusters of the bootstrap.
        note: A caveat, or "".
    """

    value: float
    low: float
    high: float
    observed: float
    cases: int
    patients: int
    note: str


def cohen(
    one: Codes,
    other: Codes,
    patients: NDArray[Any],
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Kappa:
    """Cohen's kappa (1960), unweighted, as classes are not ordered.

    The interval is from a bootstrap over patients, see `idc.metrics.spread`.

    Args:
        one: Categories by the first rater, int64 (n,).
        other: Categories by the second rater, int64 (n,).
        patients: Patient of each case, (n,).
        draws: Number of draws; 0 for no interval.
        level: Nominal coverage, in (0, 1).
        seed: Seed of the draws.

    Returns:
        The agreement. If both use a single, identical category throughout, kappa is undefined: NaN,
        with a ``note``.
    """
    if not len(one):
        return _without_cases()
    present, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    a, b = codes[: len(one)], codes[len(one) :]
    size = len(present)

    def value_of(weights: Floats) -> Floats:
        """Kappa for each row of weights (draws, clusters), from weighted contingency tables."""
        tables = np.zeros((weights.shape[1], size * size))
        np.add.at(tables, (clusters.codes, a * size + b), 1)
        drawn = (weights @ tables).reshape(-1, size, size)
        total = drawn.sum(axis=(1, 2))
        agree = np.trace(drawn, axis1=1, axis2=2) / total
        chance = (drawn.sum(axis=1) * drawn.sum(axis=2)).sum(axis=1) / total**2
        return _corrected(agree, chance)

    clusters = patient_clusters(a, patients)
    note = ""
    if size == 1:
        value = math.nan
        note = "Both use the same single category throughout: kappa is undefined."
    else:
        value = float(cohen_kappa_score(one, other))
        if len(np.unique(a)) == 1 or len(np.unique(b)) == 1:
            note = (
                "One of the two uses a single category throughout: kappa is then 0, however often "
                "they agree."
            )
    low, high = _interval(value, clusters, value_of, draws, level, seed)
    observed = float((one == other).mean())
    return Kappa(value, low, high, observed, len(one), clusters.count, note)


def fleiss(
    verdicts: Codes,
    patients: NDArray[Any],
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Kappa:
    """Fleiss' kappa (1971) of cases with the same number of readers.

    Args:
        verdicts: Categories, int64 (n, readers), with two or more readers.
        patients: Patient of each case, (n,).
        draws: Number of draws; 0 for no interval.
        level: Nominal coverage, in (0, 1).
        seed: Seed of the draws.

    Returns:
        The agreement; as in `cohen`, NaN if all readers use a single category throughout.
    """
    if not len(verdicts):
        return _without_cases()
    present, codes = np.unique(verdicts, return_inverse=True)
    codes = codes.reshape(verdicts.shape)
    readers = verdicts.shape[1]
    table = np.stack([(codes == k).sum(axis=1) for k in range(len(present))], axis=1)
    pairs = readers * (readers - 1)
    of_case = ((table**2).sum(axis=1) - readers) / pairs

    def value_of(weights: Floats) -> Floats:
        facts = np.column_stack([np.ones(len(table)), of_case, table])
        sums = np.zeros((weights.shape[1], facts.shape[1]))
        np.add.at(sums, clusters.codes, facts)
        drawn = weights @ sums
        total = drawn[:, 0]
        shares = drawn[:, 2:] / (total * readers)[:, None]
        return _corrected(drawn[:, 1] / total, (shares**2).sum(axis=1))

    clusters = patient_clusters(codes[:, 0], patients)
    value, note = math.nan, "All readers use the same single category: kappa is undefined."
    if len(present) > 1:
        value, note = float(fleiss_kappa(table)), ""
    low, high = _interval(value, clusters, value_of, draws, level, seed)
    observed = float(of_case.mean())
    return Kappa(value, low, high, observed, len(table), clusters.count, note)


def _without_cases() -> Kappa:
    nan = math.nan
    return Kappa(nan, nan, nan, nan, 0, 0, "There is no case to compare.")


def _corrected(agree: Floats, chance: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isclose(chance, 1), np.nan, (agree - chance) / (1 - chance))


def _interval(
    value: float,
    clusters: Clusters,
    value_of: Callable[[Floats], Floats],
    draws: int,
    level: float,
    seed: int,
) -> tuple[float, float]:
    if not draws or not math.isfinite(value) or clusters.count < 2:
        return math.nan, math.nan
    values = np.concatenate([value_of(weights) for weights in clusters.draws(draws, seed)])
    if np.isfinite(values).mean() < LEAST_DEFINED:
        return math.nan, math.nan
    left_out = clusters.left_out()
    without = value_of(left_out) if len(left_out) else left_out[:, 0]
    low, high = Spread(value, values, without, clusters.count).interval(level)
    return max(low, -1.0), min(high, 1.0)
