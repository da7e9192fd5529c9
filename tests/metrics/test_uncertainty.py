"""Uncertainty obeys the laws of information."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from idc.metrics.uncertainty import measure_uncertainty

shapes = st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(2, 5))


def draws(shape: tuple[int, int, int], seed: int, sharpness: float = 1.0) -> np.ndarray:
    draws, patches, classes = shape
    return np.random.default_rng(seed).dirichlet(np.full(classes, sharpness), (draws, patches))


@settings(max_examples=40, deadline=None)
@given(shapes, st.integers(0, 10_000), st.sampled_from([0.01, 1.0, 100.0]))
def test_total_is_expected_plus_mutual(
    shape: tuple[int, int, int], seed: int, sharpness: float
) -> None:
    samples = draws(shape, seed, sharpness)
    result = measure_uncertainty(samples)
    assert result.mean == pytest.approx(samples.mean(0))
    assert result.entropy == pytest.approx(entropy(samples.mean(0), axis=1), abs=1e-12)
    assert result.expected_entropy == pytest.approx(entropy(samples, axis=2).mean(0), abs=1e-12)
    assert result.entropy == pytest.approx(result.expected_entropy + result.mutual_information)
    assert (result.mutual_information >= 0).all()
    assert (result.entropy <= np.log(shape[2])).all()
    assert ((result.deviation >= 0) & (result.deviation <= 0.5 + 1e-12)).all()


@settings(max_examples=30, deadline=None)
@given(shapes, st.integers(0, 10_000))
def test_equal_draws_disagree_about_nothing(shape: tuple[int, int, int], seed: int) -> None:
    one = draws((1, *shape[1:]), seed)
    result = measure_uncertainty(np.repeat(one, shape[0], 0))
    assert result.mutual_information == pytest.approx(0, abs=1e-12)
    assert result.deviation == pytest.approx(0, abs=1e-12)


def test_known_values() -> None:
    sure_but_split = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    result = measure_uncertainty(sure_but_split)
    assert result.mutual_information == pytest.approx([np.log(2)])
    assert result.expected_entropy.tolist() == [0]
    assert result.deviation.tolist() == [0.5]
    undecided = measure_uncertainty(np.full((3, 1, 4), 0.25))
    assert undecided.entropy == pytest.approx([np.log(4)])
    assert undecided.mutual_information == pytest.approx([0])


def test_the_deviation_is_of_the_class_that_is_watched() -> None:
    two = draws((5, 7, 2), 0)
    assert measure_uncertainty(two).deviation == pytest.approx(two[:, :, 1].std(0))
    three = draws((5, 7, 3), 0)
    top = three.mean(0).argmax(1)
    expected = three[:, np.arange(7), top].std(0)
    assert measure_uncertainty(three).deviation == pytest.approx(expected)


def test_half_precision_will_do_and_the_table_names_its_columns() -> None:
    samples = draws((4, 6, 3), 1).astype(np.float16)
    table = measure_uncertainty(samples).table()
    assert table.columns.tolist() == [
        "entropy",
        "expected_entropy",
        "mutual_information",
        "score_std",
    ]
    assert len(table) == 6
    assert table.notna().all(axis=None)


@pytest.mark.parametrize(
    "samples",
    [
        np.full((3, 2), 0.5),
        np.full((0, 3, 2), 0.5),
        np.ones((2, 3, 1)),
        np.full((2, 3, 2), 0.7),
        np.array([[[1.5, -0.5]]]),
        np.array([[[np.nan, 1.0]]]),
    ],
)
def test_what_are_no_probabilities_is_refused(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="samples"):
        measure_uncertainty(samples)
