"""McNemar's test of equal accuracy on the same patches, for independent or clustered patches."""

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
        b: Patches that only the first classifies correctly.
        c: Patches that only the second classifies correctly.
        p: Exact two-sided (binomial) p-value for independent patches; too small if patients have
            several patches.
        statistic: Statistic of the clustered test, chi-squared with 1 degree of freedom; NaN
            without patients and for fewer than 2.
        p_clustered: p-value of the clustered test; NaN likewise.
        clusters: Number of patients; None without patients.
    """

    b: int
    c: int
    p: float
    statistic: float
    p_clustered: float
    clusters: int | None


def mcnemar(
    correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_], patients: NDArray[Any] | None = None
) -> McNemar:
    """Test whether two classifiers have the same accuracy.

    The clustered test is that of Yang, Sun & Hardin 2010 ("A note on the tests for clustered
    matched-pair binary data"): Obuchowski's of 1998 with a variance between that of the null
    hypothesis and that of the data. It compares the accuracies over all patches, and of the
    clustered tests it keeps its level best for few patients.

    Args:
        correct_a: Whether the first classifier's decision equals the label, bool (N,).
        correct_b: The same for the second.
        patients: Patient of each patch, (N,), or None.

    Raises:
        DataError: Lengths differ.
    """
    a, b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    if len(a) != len(b) or (patients is not None and len(patients) != len(a)):
        raise DataError("mcnemar: give both decisions and the patient of each patch.")
    # Slow to import, and needed only for comparisons.
    from statsmodels.stats.contingency_tables import mcnemar as exact

    table = np.bincount(2 * ~a + ~b, minlength=4).reshape(2, 2)
    only_a, only_b = int(table[0, 1]), int(table[1, 0])
    p = float(exact(table, exact=True).pvalue) if only_a + only_b else 1.0
    statistic, p_clustered, clusters = float("nan"), float("nan"), None
    if patients is not None:
        names, codes = np.unique(np.asarray(patients, str), return_inverse=True)
        clusters = len(names)
        difference = a.astype(np.float64) - b
        lead = np.asarray(np.bincount(codes, difference, clusters), np.float64)
        if clusters > 1:
            statistic = _clustered(lead, np.bincount(codes, minlength=clusters))
            p_clustered = float(2 * ndtr(-np.sqrt(statistic)))
    return McNemar(only_a, only_b, p, statistic, p_clustered, clusters)


def _clustered(lead: NDArray[np.float64], patches: NDArray[np.integer]) -> float:
    """Statistic of Yang et al. from the b - c and the number of patches of each patient."""
    total = lead.sum()
    own = lead - patches * total / patches.sum()
    spread = ((own**2).sum() + (lead**2).sum()) / 2
    if spread == 0:  # no discordant patient
        return 0.0
    return float((1 - 1 / len(lead)) * total**2 / spread)
