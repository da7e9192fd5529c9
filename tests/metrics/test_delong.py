import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, mannwhitneyu

from idc.errors import DataError
from idc.metrics.delong import auroc_covariance, delong

# Albumin, total protein, K-G score and whether an operation helped (0) of 43 patients with ovarian
# cancer: DeLong et al. 1988, as listed in the SAS/STAT User's Guide, PROC LOGISTIC, example
# "Comparing Receiver Operating Characteristic Curves".
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""


def clustered(
    seed: int, patients: int = 16, own: float = 0.6
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two equally good classifiers, each with its own luck with a patient."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(patients), rng.integers(8, 40, patients))
    y = (rng.random(len(group)) < rng.beta(2, 3, patients)[group]).astype(int)
    luck = rng.normal(0, own, (2, patients))[:, group]
    a, b = 2 * y + luck + rng.normal(0, 1, (2, len(y)))
    return y, a, b, group.astype(str)


def test_the_published_example() -> None:
    """SAS prints area 0.7258 and error 0.1028 for K-G, and chi-squared 2.5340, p 0.2817 for all."""
    albumin, protein, kg, label = np.array(OVARIAN.split(), float).reshape(-1, 4).T
    scores = np.stack([albumin, 10 - kg, protein])
    areas, covariance = auroc_covariance(label.astype(int), scores)
    assert areas[1] == pytest.approx(0.7258, abs=5e-5)
    assert np.sqrt(covariance[1, 1]) == pytest.approx(0.1028, abs=5e-5)
    contrasts = np.array([[1, -1, 0], [0, -1, 1]])
    d = contrasts @ areas
    statistic = d @ np.linalg.solve(contrasts @ covariance @ contrasts.T, d)
    assert statistic == pytest.approx(2.5340, abs=5e-5)
    assert chi2.sf(statistic, 2) == pytest.approx(0.2817, abs=5e-5)
    result = delong(label.astype(int), protein, 10 - kg)
    squared = d[1] ** 2 / (contrasts @ covariance @ contrasts.T)[1, 1]
    assert result.p == pytest.approx(chi2.sf(squared, 1))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), by_patient=st.booleans(), ties=st.booleans())
def test_midranks_give_what_all_pairs_give(seed: int, by_patient: bool, ties: bool) -> None:
    """The definitions of DeLong et al. 1988 and Obuchowski 1997, pair by pair."""
    y, a, b, group = clustered(seed, patients=5)
    if min(len(np.unique(group[y == c])) for c in (0, 1)) < 2:
        return
    scores = np.stack([a, b]).round(0 if ties else 9)
    names = np.unique(group) if by_patient else np.arange(len(y))
    codes = group if by_patient else names
    kernel = [
        (s[y == 1][:, None] > s[y == 0]) + 0.5 * (s[y == 1][:, None] == s[y == 0]) for s in scores
    ]
    x, z = np.empty((2, 2, len(names)))
    for i, k in enumerate(kernel):
        for j, name in enumerate(names):
            x[i, j] = (k.mean(1) - k.mean())[codes[y == 1] == name].sum()
            z[i, j] = (k.mean(0) - k.mean())[codes[y == 0] == name].sum()
    m, n = (y == 1).sum(), (y == 0).sum()

    def grown(side: np.ndarray) -> float:
        count = len(np.unique(side))
        return count / (count - 1)

    expected = grown(codes[y == 1]) * x @ x.T / m**2 + grown(codes[y == 0]) * z @ z.T / n**2
    expected += grown(codes) * (x @ z.T + z @ x.T) / (m * n)
    areas, covariance = auroc_covariance(y, scores, group if by_patient else None)
    assert areas == pytest.approx([k.mean() for k in kernel])
    assert areas[0] == pytest.approx(mannwhitneyu(scores[0][y == 1], scores[0][y == 0])[0] / m / n)
    assert covariance == pytest.approx(expected, abs=1e-12)


def test_patients_of_one_patch_are_no_clusters() -> None:
    y, a, b, _ = clustered(1)
    alone, by_patient = delong(y, a, b), delong(y, a, b, np.arange(len(y)))
    assert by_patient.error == pytest.approx(alone.error)
    assert by_patient.p > alone.p  # Student's t for the normal


def test_equal_classifiers_differ_significantly_in_one_of_twenty() -> None:
    """Of 600 comparisons over 16 patients: 4.7 % by patient, 17 % by patch."""
    rejected = np.zeros(2)
    for seed in range(600):
        y, a, b, group = clustered(seed)
        rejected += [delong(y, a, b, group).p < 0.05, delong(y, a, b).p < 0.05]
    by_patient, by_patch = 100 * rejected / 600
    assert 3 <= by_patient <= 7
    assert by_patch > 12


def test_the_same_ranks_do_not_differ() -> None:
    y, a, _, group = clustered(2)
    result = delong(y, a, np.exp(a), group)
    assert (result.difference, result.p) == (0.0, 1.0)
    perfect = delong(y, y + 0.0, y + 0.0)
    assert perfect == (0.0, 0.0, 1.0)


def test_what_has_no_area_is_named() -> None:
    _, a, b, group = clustered(3)
    with pytest.raises(DataError, match="in one patient only"):
        delong((group == "0").astype(int), a, b, group)
