"""Whether two classifiers of the same patches err equally often: McNemar's test, and by patient."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from idc.errors import DataError


@dataclass(frozen=True)
class McNemar:
    """Discordant decisions of two classifiers.

    Attributes:
        b: Patches that only the first has right.
        c: Patches that only the second has right.
        p: Two-sided exact p (binomial) that takes patches as independent, which patches of a
            patient are not: too small.
        statistic: Of the clustered test, chi-squared with 1 degree of freedom; NaN without groups
            and with fewer than 2 patients.
        p_clustered: Its p; NaN likewise.
        clusters: Number of patients; None without groups.
    """

    b: int
    c: int
    p: float
    statistic: float
    p_clustered: float
    clusters: int | None


def mcnemar(
    right_a: NDArray[np.bool_], right_b: NDArray[np.bool_], groups: NDArray[Any] | None = None
) -> McNemar:
    """Test whether two classifiers have the same accuracy.

    The clustered test is that of Yang, Sun & Hardin 2010 ("A note on the tests for clustered
    matched-pair binary data"), Obuchowski's of 1998 with a variance between that of the null
    hypothesis and that of the data. It compares the accuracies over all patches, whatever a
    patient's share of them, and among its kin keeps the level best for few patients.

    Args:
        right_a: Whether the first classifier's decision is the label, bool (N,).
        right_b: The second's.
        groups: Patient of each patch, (N,), or None.

    Raises:
        DataError: Lengths differ.
    """
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    if len(a) != len(b) or (groups is not None and len(groups) != len(a)):
        raise DataError("mcnemar: give both decisions and the patient of each patch.")
    # Slow to import, and only wanted where something is compared.
    from statsmodels.stats.contingency_tables import mcnemar as exact

    table = np.bincount(2 * ~a + ~b, minlength=4).reshape(2, 2)
    only_a, only_b = int(table[0, 1]), int(table[1, 0])
    p = float(exact(table, exact=True).pvalue) if only_a + only_b else 1.0
    statistic, p_clustered, clusters = float("nan"), float("nan"), None
    if groups is not None:
        names, codes = np.unique(np.asarray(groups, str), return_inverse=True)
        clusters = len(names)
        difference = a.astype(np.float64) - b
        lead = np.asarray(np.bincount(codes, difference, clusters), np.float64)
        if clusters > 1:
            statistic = _clustered(lead, np.bincount(codes, minlength=clusters))
            p_clustered = float(2 * ndtr(-np.sqrt(statistic)))
    return McNemar(only_a, only_b, p, statistic, p_clustered, clusters)


def _clustered(lead: NDArray[np.float64], patches: NDArray[np.integer]) -> float:
    """Yang's statistic from b - c and the number of patches of each patient."""
    total = lead.sum()
    own = lead - patches * total / patches.sum()
    spread = ((own**2).sum() + (lead**2).sum()) / 2
    if spread == 0:  # no discordant patient
        return 0.0
    return float((1 - 1 / len(lead)) * total**2 / spread)
