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
LEVEL = 0.95  # nominal coverage of the intervals
SAME = "All use the same single category throughout: kappa is undefined."
CONSTANT = (
    "One of the two uses a single category throughout: kappa is then 0, however often they agree."
)


@dataclass(frozen=True)
class Kappa:
    """A kappa with its interval, from a bootstrap over patients; see `idc.metrics.spread`.

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
    one: Codes, other: Codes, patients: NDArray[Any], draws: int = 1000, seed: int = 0
) -> Kappa:
    """Cohen's kappa (1960), unweighted, as classes are not ordered.

    `one` and `other` are categories, int64 (n,). If both use a single, identical category
    throughout, kappa is undefined: NaN, with a ``note``. With 0 draws there is no interval.
    """
    codes = np.stack([one, other], axis=1)
    constant = len(one) and min(len(np.unique(one)), len(np.unique(other))) == 1
    return _kappa(
        codes,
        patients,
        value=lambda _: cohen_kappa_score(one, other),
        chance=lambda shares: shares.prod(axis=1).sum(axis=1),
        note=CONSTANT if constant else "",
        bootstrap=(draws, seed),
    )


def fleiss(
    verdicts: Codes, patients: NDArray[Any], draws: int = 1000, level: float = 0.95, seed: int = 0
) -> Kappa:
    """Fleiss' kappa (1971) of cases with the same number of readers; see `cohen`.

    `verdicts` are categories, int64 (n, readers), with two or more readers.
    """
    return _kappa(
        verdicts,
        patients,
        value=fleiss_kappa,
        chance=lambda shares: (shares.mean(axis=1) ** 2).sum(axis=1),
        note="",
        bootstrap=(draws, seed),
    )


def _kappa(
    verdicts: Codes,
    patients: NDArray[Any],
    value: Callable[[Codes], float],
    chance: Callable[[Floats], Floats],
    note: str,
    bootstrap: tuple[int, int],
) -> Kappa:
    """Kappa by `value`; `chance` makes (draws,) of the readers' shares (draws, readers, k)."""
    count, readers = verdicts.shape
    if not count:
        nan = math.nan
        return Kappa(nan, nan, nan, nan, 0, 0, "There is no case to compare.")
    present, codes = np.unique(verdicts, return_inverse=True)
    codes = codes.reshape(verdicts.shape)
    chosen = codes[..., None] == np.arange(len(present))
    counts = chosen.sum(axis=1)
    agree = ((counts**2).sum(axis=1) - readers) / (readers * (readers - 1))
    clusters = patient_clusters(codes[:, 0], patients)
    facts = np.column_stack([np.ones(count), agree, chosen.reshape(count, -1)])
    sums = np.zeros((clusters.count, facts.shape[1]))
    np.add.at(sums, clusters.codes, facts)

    def value_of(weights: Floats) -> Floats:
        """Kappa for each row of weights, float64 (draws, clusters)."""
        drawn = weights @ sums
        shares = (drawn[:, 1:] / drawn[:, :1])[:, 1:].reshape(-1, readers, len(present))
        expected = chance(shares)
        with np.errstate(invalid="ignore", divide="ignore"):
            corrected = (drawn[:, 1] / drawn[:, 0] - expected) / (1 - expected)
            return np.where(np.isclose(expected, 1), np.nan, corrected)

    exact, note = (float(value(counts)), note) if len(present) > 1 else (math.nan, SAME)
    low, high = _interval(exact, clusters, value_of, *bootstrap)
    return Kappa(exact, low, high, float(agree.mean()), count, clusters.count, note)


def _interval(
    value: float, clusters: Clusters, value_of: Callable[[Floats], Floats], draws: int, seed: int
) -> tuple[float, float]:
    if not draws or not math.isfinite(value) or clusters.count < 2:
        return math.nan, math.nan
    values = np.concatenate([value_of(weights) for weights in clusters.draws(draws, seed)])
    if np.isfinite(values).mean() < LEAST_DEFINED:
        return math.nan, math.nan
    left_out = clusters.left_out()
    without = value_of(left_out) if len(left_out) else left_out[:, 0]
    low, high = Spread(value, values, without, clusters.count).interval(LEVEL)
    return max(low, -1.0), min(high, 1.0)
