"""McNemar's test of equal accuracy on the same patches, for independent or clustered patches."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr


class McNemar(NamedTuple):
    """Discordant decisions of two classifiers.

    Attributes:
        b: Patches that only the first classifies correctly.
        c: Patches that only the second classifies correctly.
        p: Exact two-sided (binomial) p-value for independent patches; too small if patients have
            several patches.
        statistic: Of the clustered test, chi-squared with 1 degree of freedom; NaN for fewer than
            two patients.
        p_clustered: p-value of the clustered test; NaN likewise.
    """

    b: int
    c: int
    p: float
    statistic: float
    p_clustered: float


def mcnemar(
    correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_], patients: NDArray[Any]
) -> McNemar:
    """Test whether two classifiers have the same accuracy.

    The clustered test is that of Yang, Sun & Hardin 2010 ("A note on the tests for clustered
    matched-pair binary data"): Obuchowski's of 1998 with a variance between that of the null
    hypothesis and that of the data. It compares the accuracies over all patches, and of the
    clustered tests it keeps its level best for few patients.

    Args:
        correct_a: Whether the first classifier's decision equals the label, bool (N,).
        correct_b: The same for the second.
        patients: Patient of each patch, (N,).
    """
    # Slow to import, and needed only for comparisons.
    from statsmodels.stats.contingency_tables import mcnemar as exact

    table = np.bincount(2 * ~correct_a + ~correct_b, minlength=4).reshape(2, 2)
    only_a, only_b = int(table[0, 1]), int(table[1, 0])
    p = float(exact(table, exact=True).pvalue) if only_a + only_b else 1.0
    names, codes = np.unique(np.asarray(patients, str), return_inverse=True)
    if len(names) < 2:
        return McNemar(only_a, only_b, p, np.nan, np.nan)
    lead = np.bincount(codes, correct_a.astype(np.float64) - correct_b)  # b - c of each patient
    patches, total = np.bincount(codes), lead.sum()
    own = lead - patches * total / patches.sum()
    spread = ((own**2).sum() + (lead**2).sum()) / 2
    statistic = float((1 - 1 / len(names)) * total**2 / spread) if spread else 0.0
    return McNemar(only_a, only_b, p, statistic, float(2 * ndtr(-np.sqrt(statistic))))
