"""Smoothing of class probabilities over the neighbouring patches of a slide."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import softmax

from idc.errors import ConfigError

METHODS = ("median", "mean", "crf")
WINDOWS = (3, 5, 7, 9)
SMALLEST = 1e-12  # a probability whose logarithm is taken
ROUNDS, TOLERANCE = 1000, 1e-6  # of the random field's iteration


@dataclass(frozen=True)
class Smoother:
    """A method of smoothing with its parameters.

    Attributes:
        method: ``median`` or ``mean`` of the patch and its neighbours, or ``crf``: a conditional
            random field in which each neighbour adds its own probability of a class, times
            `weight`, to the class's log-probability. It is solved by mean field (Kraehenbuehl &
            Koltun 2011), whose probabilities are too confident unless calibrated afterwards.
        window: Side of the neighbourhood in patches, of `WINDOWS`: 3 for the eight neighbours.
        weight: What each neighbour counts, against 1 of the patch itself; not used by ``median``.

    Raises:
        ConfigError: A value is out of its range.
    """

    method: str
    window: int = 3
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"postprocess.method={self.method}: choose none, median, mean, crf.")
        if self.window not in WINDOWS:
            raise ConfigError(f"postprocess.windows: {self.window}: give some of {WINDOWS}.")
        if not 0 < self.weight < np.inf:
            raise ConfigError(f"postprocess.weights: {self.weight}: give numbers above 0.")

    def apply(
        self, probabilities: NDArray[np.float64], neighbours: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Smooth the probabilities of all patches of a split.

        Places without a patch do not count, as though the slide ended there; a patch without
        neighbours keeps its probabilities.

        Args:
            probabilities: float64 (n, k), rows summing to 1.
            neighbours: Those in `window`, row for row; see `find_neighbours`.

        Returns:
            float64 (n, k), rows summing to 1.
        """
        if self.method == "median":
            return _median(probabilities, neighbours)
        row, at = np.nonzero(neighbours >= 0)
        ones, pairs = np.full(len(row), self.weight), (row, neighbours[row, at])
        links = sparse.csr_array((ones, pairs), shape=(len(neighbours), len(neighbours)))
        if self.method == "crf":
            return _mean_field(probabilities, links)
        total = probabilities + links @ probabilities
        return np.asarray(total / total.sum(1, keepdims=True))

    def describe(self) -> str:
        """Such as ``mean over windows of 3 x 3 patches, each neighbour with a weight of 0.5``."""
        how = f"{self.method} over windows of {self.window} x {self.window} patches"
        weighted = f", each neighbour with a weight of {self.weight:g}"
        return how if self.method == "median" else how + weighted


def find_neighbours(frame: pd.DataFrame, patch_size: int, window: int) -> NDArray[np.int64]:
    """Find the neighbours of each patch on its patient's slide.

    Places are counted from the patient's smallest x and y, rounded to whole patches. Of several
    patches in one place the first is the neighbour of others; none is its own neighbour.

    Args:
        frame: ``patient``, ``x`` and ``y`` of each patch, n rows.
        patch_size: Side of a patch in slide pixels.
        window: Side of the neighbourhood in patches, odd.

    Returns:
        Rows of the neighbours, int64 (n, window squared - 1), -1 where there is none.
    """
    patients = frame["patient"].astype(str).to_numpy()
    corner = frame.groupby(patients)[["x", "y"]].transform("min")
    places = (frame[["x", "y"]] - corner + patch_size // 2) // patch_size
    slide, (column, row) = pd.factorize(patients)[0], places.to_numpy(np.int64).T
    own = pd.MultiIndex.from_arrays([slide, column, row])
    rows = np.flatnonzero(~own.duplicated())
    reach = window // 2
    steps = [
        (down, right)
        for down in range(-reach, reach + 1)
        for right in range(-reach, reach + 1)
        if (down, right) != (0, 0)
    ]
    neighbours = np.full((len(frame), len(steps)), -1, np.int64)
    for i, (down, right) in enumerate(steps):
        there = pd.MultiIndex.from_arrays([slide, column + right, row + down])
        at = own[rows].get_indexer(there)
        neighbours[:, i] = np.where(at < 0, -1, rows[at])
    return neighbours


def _median(
    probabilities: NDArray[np.float64], neighbours: NDArray[np.int64]
) -> NDArray[np.float64]:
    padded = np.concatenate([probabilities, np.full((1, probabilities.shape[1]), np.nan)])
    values = np.concatenate([probabilities[:, None], padded[neighbours]], 1)
    middle = np.nanmedian(values, 1)
    total = middle.sum(1, keepdims=True)  # of three classes and more it need not be 1
    return np.asarray(np.divide(middle, total, probabilities.copy(), where=total > 0))


def _mean_field(probabilities: NDArray[np.float64], links: sparse.csr_array) -> NDArray[np.float64]:
    logits, current = np.log(np.maximum(probabilities, SMALLEST)), probabilities
    for _ in range(ROUNDS):
        # Halfway only: full steps of all patches at once may oscillate.
        updated = (current + softmax(logits + links @ current, axis=1)) / 2
        change, current = np.abs(updated - current).max(initial=0), updated
        if change <= TOLERANCE:
            break
    return np.asarray(current)
