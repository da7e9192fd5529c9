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
    assert result["entropy"] == pytest.approx(entropy(samples.mean(0), axis=1), abs=1e-12)
    assert result["expected_entropy"] == pytest.approx(entropy(samples, axis=2).mean(0), abs=1e-12)
    assert result["entropy"] == pytest.approx(
        result["expected_entropy"] + result["mutual_information"]
    )
    assert (result["mutual_information"] >= 0).all()
    assert (result["entropy"] <= np.log(shape[2])).all()
    assert ((result["score_std"] >= 0) & (result["score_std"] <= 0.5 + 1e-12)).all()


@settings(max_examples=30, deadline=None)
@given(shapes, st.integers(0, 10_000))
def test_equal_draws_disagree_about_nothing(shape: tuple[int, int, int], seed: int) -> None:
    one = draws((1, *shape[1:]), seed)
    result = measure_uncertainty(np.repeat(one, shape[0], 0))
    assert result["mutual_information"] == pytest.approx(0, abs=1e-12)
    assert result["score_std"] == pytest.approx(0, abs=1e-12)


def test_known_values() -> None:
    sure_but_split = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    result = measure_uncertainty(sure_but_split)
    assert result["mutual_information"] == pytest.approx([np.log(2)])
    assert result["expected_entropy"].tolist() == [0]
    assert result["score_std"].tolist() == [0.5]
    undecided = measure_uncertainty(np.full((3, 1, 4), 0.25))
    assert undecided["entropy"] == pytest.approx([np.log(4)])
    assert undecided["mutual_information"] == pytest.approx([0])


def test_the_deviation_is_of_the_class_that_is_watched() -> None:
    two = draws((5, 7, 2), 0)
    assert measure_uncertainty(two)["score_std"] == pytest.approx(two[:, :, 1].std(0))
    three = draws((5, 7, 3), 0)
    top = three.mean(0).argmax(1)
    expected = three[:, np.arange(7), top].std(0)
    assert measure_uncertainty(three)["score_std"] == pytest.approx(expected)


def test_of_several_labels_it_is_the_mean_of_each_as_two_classes() -> None:
    samples = np.random.default_rng(0).random((5, 20, 3))
    two = [measure_uncertainty(np.stack([1 - x, x], axis=2)) for x in np.moveaxis(samples, 2, 0)]
    for name, value in measure_uncertainty(samples, multi_label=True).items():
        np.testing.assert_allclose(value, np.mean([one[name] for one in two], axis=0))
