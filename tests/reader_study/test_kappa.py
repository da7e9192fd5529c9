"""Kappas against textbooks and libraries."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from idc.reader_study.kappa import cohen, fleiss

# Fleiss (1971), table 1: 30 patients, 6 psychiatrists each, 5 diagnoses.
FLEISS_1971 = """
0 0 0 6 0|0 3 0 0 3|0 1 4 0 1|0 0 0 0 6|0 3 0 3 0|2 0 4 0 0|0 0 4 0 2|2 0 3 1 0|2 0 0 4 0|0 0 0 0 6
1 0 0 5 0|1 1 0 4 0|0 3 3 0 0|1 0 0 5 0|0 2 0 3 1|0 0 5 0 1|3 0 0 1 2|5 1 0 0 0|0 2 0 4 0|1 0 2 0 3
0 0 0 0 6|0 1 0 5 0|0 2 0 1 3|2 0 0 4 0|1 0 0 4 1|0 5 0 1 0|4 0 0 0 2|0 2 0 4 0|1 0 5 0 0|0 0 0 0 6
"""


def test_fleiss_own_table() -> None:
    cells = [row.split() for row in FLEISS_1971.replace("\n", "|").strip("|").split("|")]
    counts = np.array(cells, int)
    assert counts.shape == (30, 5)
    verdicts = np.array([np.repeat(np.arange(5), row) for row in counts])
    result = fleiss(verdicts, np.arange(30), draws=200)
    assert result.value == pytest.approx(fleiss_kappa(counts))
    assert result.value == pytest.approx(0.430, abs=0.001)
    assert result.low < result.value < result.high


def test_the_textbook_example_of_fleiss_kappa() -> None:
    """Fourteen raters, ten subjects, five categories: kappa 0.210."""
    counts = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ]
    )
    verdicts = np.array([np.repeat(np.arange(5), row) for row in counts])
    result = fleiss(verdicts, np.arange(10), draws=0)
    assert round(result.value, 3) == 0.210
    assert round(result.observed, 3) == 0.378
    assert math.isnan(result.low)


def test_cohens_textbook_example() -> None:
    """Two readers of 50: both yes 20, both no 15, one against the other 5 and 10: kappa 0.40."""
    one = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    other = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    result = cohen(one, other, np.arange(50) % 20)
    assert result.value == pytest.approx(0.4)
    assert result.observed == pytest.approx(0.7)
    assert result.patients == 20
    assert result.low < 0.4 < result.high
    assert math.isnan(cohen(one, other, np.zeros(50)).low)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-1, 2)), min_size=1, max_size=30))
def test_kappas_are_those_of_the_libraries(pairs: list[tuple[int, int]]) -> None:
    table = np.array(pairs)
    one, other = table.T
    patients = np.arange(len(table))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = cohen_kappa_score(one, other)
        of_all = fleiss_kappa(aggregate_raters(table)[0])
    result = cohen(one, other, patients, draws=10)
    several = fleiss(table, patients, draws=10)
    assert result.value == pytest.approx(expected, nan_ok=True)
    assert result.observed == pytest.approx((one == other).mean())
    if math.isnan(expected):
        assert "undefined" in result.note
        assert "undefined" in several.note
        assert math.isnan(several.value)
        assert math.isnan(result.low)
    else:
        assert several.value == pytest.approx(of_all)
