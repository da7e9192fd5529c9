"""Smoothing uses neighbours on the same slide only, and what is not there does not count."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve

from idc.errors import ConfigError
from idc.slides.smoothing import METHODS, Smoother, find_neighbours

SIZE = 50
EIGHT = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])


def slide(grid: np.ndarray, patient: str = "8863") -> tuple[pd.DataFrame, np.ndarray]:
    """The finite cells of a grid of probabilities as patches, and their two classes."""
    row, column = np.nonzero(np.isfinite(grid))
    frame = pd.DataFrame({"patient": patient, "x": 1 + SIZE * column, "y": 101 + SIZE * row})
    return frame, two(grid[row, column])


def two(score: np.ndarray) -> np.ndarray:
    return np.stack([1 - score, score], axis=1)


def smooth(smoother: Smoother, frame: pd.DataFrame, probabilities: np.ndarray) -> np.ndarray:
    return smoother.apply(probabilities, find_neighbours(frame, SIZE, smoother.window))


def holed(seed: int, share: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grid = rng.random(rng.integers(1, 7, 2))
    grid[rng.random(grid.shape) < share] = np.nan
    return grid


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("classes", [2, 3])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_laws(method: str, classes: int, seed: int) -> None:
    """Two patients whose positions overlap, with holes."""
    rng = np.random.default_rng(seed)
    frame = pd.concat([slide(holed(seed + i), p)[0] for i, p in enumerate("ab")], ignore_index=True)
    given_ = rng.dirichlet(np.full(classes, 0.5), len(frame))
    smoother = Smoother(method, int(rng.choice([3, 5])), float(rng.uniform(0.05, 2)))
    result = smooth(smoother, frame, given_)
    assert np.allclose(result.sum(1), 1)
    assert (result >= 0).all()
    # The order of the rows does not matter.
    order = rng.permutation(len(frame))
    again = smooth(smoother, frame.iloc[order], given_[order])
    assert np.allclose(again, result[order], atol=1e-4)
    # Other patients do not count.
    alone = (frame["patient"] == "a").to_numpy()
    apart = smooth(smoother, frame[alone], given_[alone])
    assert np.allclose(apart, result[alone], atol=1e-4)
    # A patch without neighbours keeps its probabilities.
    lonely = (find_neighbours(frame, SIZE, smoother.window) < 0).all(1)
    assert np.allclose(result[lonely], given_[lonely], atol=1e-6)


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_the_mean_of_a_dense_slide_is_a_normalised_convolution(weight: float) -> None:
    grid = holed(5)
    there = np.isfinite(grid)
    kernel = weight * EIGHT + (EIGHT == 0)
    total, count = (
        convolve(values, kernel, mode="constant")
        for values in (np.nan_to_num(grid), there.astype(float))
    )
    frame, probabilities = slide(grid)
    result = smooth(Smoother("mean", 3, weight), frame, probabilities)
    assert np.allclose(result[:, 1], (total / count)[there])


def test_the_median_is_that_of_the_patches_that_exist() -> None:
    grid = holed(7)
    padded = np.pad(grid, 2, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    expected = [np.nanmedian(w) for w in windows[np.isfinite(grid)]]
    frame, probabilities = slide(grid)
    result = smooth(Smoother("median", 5), frame, probabilities)
    assert np.allclose(result[:, 1], expected)


def test_a_weak_field_is_near_the_exact_marginals() -> None:
    frame, probabilities = slide(np.array([[0.8, 0.3, 0.55], [0.6, np.nan, 0.2]]))
    pull = 0.08
    x, y = (frame[key].to_numpy() // SIZE for key in "xy")
    pairs = [
        (i, j)
        for i, j in itertools.combinations(range(len(frame)), 2)
        if max(abs(x[i] - x[j]), abs(y[i] - y[j])) == 1
    ]
    exact, total = np.zeros(len(frame)), 0.0
    for labels in itertools.product([0, 1], repeat=len(frame)):
        alike = sum(labels[i] == labels[j] for i, j in pairs)
        chance = probabilities[range(len(frame)), labels].prod() * np.exp(pull * alike)
        exact += chance * np.array(labels)
        total += chance
    result = smooth(Smoother("crf", 3, pull), frame, probabilities)[:, 1]
    assert np.abs(result - exact / total).max() < 2e-3
    assert np.abs(result - probabilities[:, 1]).max() > 0.01  # so that doing nothing would fail


def test_patches_in_one_place_share_their_neighbours() -> None:
    frame, probabilities = slide(np.array([[0.1, 0.9]]))
    twice = pd.concat([frame, frame.iloc[:1]], ignore_index=True)
    neighbours = find_neighbours(twice, SIZE, 3)
    assert [sorted(row[row >= 0]) for row in neighbours] == [[1], [0], [1]]
    result = Smoother("mean").apply(
        np.concatenate([probabilities, two(np.array([0.5]))]), neighbours
    )
    assert np.allclose(result[:, 1], [0.5, 0.5, 0.7])


@pytest.mark.parametrize(
    ("values", "word"),
    [(("blur",), "method"), (("mean", 4), "windows"), (("crf", 3, 0.0), "weights")],
)
def test_values_that_cannot_work_are_refused(values: tuple[object, ...], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        Smoother(*values)  # type: ignore[arg-type]
