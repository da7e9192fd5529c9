import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from idc.metrics.mcnemar import mcnemar


def rows(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, only_a, only_b, neither]
    return np.repeat([1, 1, 0, 0], counts) == 1, np.repeat([1, 0, 1, 0], counts) == 1


def test_approval_of_the_president() -> None:
    """Agresti 1990, p. 350: 794 approve in both surveys, 150 then 86 in one only, 570 in none."""
    result = mcnemar(*rows(794, 150, 86, 570), np.zeros(1600))
    assert (result.b, result.c) == (150, 86)
    assert result.p == pytest.approx(binomtest(86, 236).pvalue)
    assert result.p == pytest.approx(3.7e-5, rel=0.02)
    assert np.isnan(result.p_clustered)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 6)] * 4), min_size=2, max_size=8))
def test_the_clustered_statistic_is_that_of_yang(patients: list[tuple[int, ...]]) -> None:
    """Yang, Sun & Hardin 2010, as a loop over patients."""
    patients = [counts for counts in patients if sum(counts)]
    if len(patients) < 2:
        return
    a, b = (np.concatenate(side) for side in zip(*[rows(*x) for x in patients], strict=True))
    group = np.repeat(np.arange(len(patients)), [sum(x) for x in patients])
    total, n = sum(x[1] - x[2] for x in patients), len(a)
    spread = sum(
        ((x[1] - x[2] - sum(x) * total / n) ** 2 + (x[1] - x[2]) ** 2) / 2 for x in patients
    )
    k = len(patients)
    expected = (k - 1) / k * total**2 / spread if spread else 0.0
    result = mcnemar(a, b, group)
    assert result.statistic == pytest.approx(expected)
    assert result.p_clustered == pytest.approx(chi2.sf(expected, 1))
    turned = mcnemar(b, a, group)
    assert (turned.b, turned.c) == (result.c, result.b)
    assert turned.p_clustered == pytest.approx(result.p_clustered)


def test_equal_classifiers_differ_significantly_in_one_of_twenty() -> None:
    """Of 600 comparisons over 20 patients: 5.8 % by patient, 19 % by patch."""
    rng = np.random.default_rng(0)
    rejected = np.zeros(2)
    for _ in range(600):
        group = np.repeat(np.arange(20), rng.integers(10, 80, 20))
        lean = rng.normal(0, 0.5, (2, 20))
        share = 1 / (1 + np.exp(2 - lean))[:, group]  # of patches that only one has right
        u = rng.random(len(group))
        a, b = u < share[0], u > 1 - share[1]
        result = mcnemar(a, b, group)
        rejected += [result.p_clustered < 0.05, result.p < 0.05]
    by_patient, by_patch = 100 * rejected / 600
    assert 3 <= by_patient <= 7
    assert by_patch > 12


def test_no_discord_and_a_single_patient() -> None:
    same = np.array([True, False, True])
    result = mcnemar(same, same, np.array(["a", "b", "b"]))
    assert (result.b, result.c, result.p, result.statistic, result.p_clustered) == (
        0,
        0,
        1.0,
        0.0,
        1.0,
    )
    one = mcnemar(same, ~same, np.array(["a"] * 3))
    assert (one.b, one.c) == (2, 1)
    assert np.isnan(one.p_clustered)
