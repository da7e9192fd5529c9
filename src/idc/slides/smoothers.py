"""Smoothers of patch scores over neighbouring patches of a slide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from idc.errors import ConfigError, DataError
from idc.slides.patch_neighbours import Neighbours, find_neighbours
from idc.slides.potts import colour_similarity, mean_field

SMALLEST = 1e-12  # scores are clipped to this distance from 0 and 1
REACH = 2  # standard deviations at which the weights of a mean are cut off
STRENGTHS = {
    "none": "nothing",
    "median": "radius in patches, a whole number",
    "mean": "standard deviation in patches",
    "crf": "coupling of neighbours, in log-odds",
    "crf_contrast": "coupling of neighbours of the same colour, in log-odds",
}


@dataclass(frozen=True)
class Smoother:
    """A method of smoothing scores over neighbouring patches, for two classes.

    Attributes:
        kind: ``none``; ``median`` of the patch and its neighbours up to `strength` places away in x
            and in y; ``mean`` of their log-odds, Gaussian-weighted with a standard deviation of
            `strength` patches, cut off at two; ``crf``, a random field in which each of up to 8
            neighbours contributes up to `strength` in log-odds, see `idc.slides.potts`;
            ``crf_contrast``, the same with weaker coupling between patches of unlike colour.
            Places without a patch and other patients do not contribute.
        strength: See `kind`; 0 changes nothing. Not used for ``none``.

    Raises:
        ConfigError: The kind is unknown, or the strength is invalid.
    """

    kind: str
    strength: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in STRENGTHS:
            raise ConfigError(f"smoothing: {self.kind} is unknown; choose {', '.join(STRENGTHS)}.")
        whole = self.kind != "median" or float(self.strength).is_integer()
        if not (0 <= self.strength < np.inf and whole):
            raise ConfigError(
                f"smoothing.{self.kind}: invalid strength {self.strength:g}; give the "
                f"{STRENGTHS[self.kind]}, 0 or more."
            )

    def describe(self) -> str:
        """Describe the smoother: "mean of strength 0.5"."""
        return (
            "no smoothing" if self.kind == "none" else f"{self.kind} of strength {self.strength:g}"
        )

    def apply(self, frame: pd.DataFrame, patch_size: int) -> NDArray[np.float64]:
        """Smooth the scores.

        Args:
            frame: Predictions of two classes: ``patient``, ``x``, ``y`` (slide pixels), ``score``
                (probability of class 1, in [0, 1]); for ``crf_contrast`` ``mean_r``, ``mean_g`` and
                ``mean_b``. All patches of the slides, n rows: a patch that is left out, as by a
                split that is not by patient, does not contribute to its neighbours.
            patch_size: Side of a patch in slide pixels.

        Returns:
            Scores in the order of the rows, float64 (n,) in [0, 1].

        Raises:
            DataError: There are more than two classes, scores outside [0, 1], or missing columns.
        """
        score = checked_scores(frame)
        if self.kind == "none" or self.strength == 0 or not len(score):
            return score.copy()
        if self.kind == "median":
            return _median(score, find_neighbours(frame, patch_size, int(self.strength)))
        odds = np.asarray(logit(score.clip(SMALLEST, 1 - SMALLEST)), np.float64)
        if self.kind == "mean":
            radius = int(np.ceil(REACH * self.strength))
            return _mean(odds, find_neighbours(frame, patch_size, radius), self.strength)
        neighbours = find_neighbours(frame, patch_size)
        weights = np.full(len(neighbours.columns), float(self.strength))
        if self.kind == "crf_contrast":
            weights *= colour_similarity(frame, neighbours)
        return mean_field(odds, neighbours, weights)


def make_smoothers(strengths: Mapping[str, Sequence[float]]) -> tuple[Smoother, ...]:
    """One smoother per kind and strength: ``{"median": [1, 2], "crf": [0.1]}`` gives three.

    Raises:
        ConfigError: See `Smoother`.
    """
    return tuple(Smoother(kind, float(x)) for kind, values in strengths.items() for x in values)


CANDIDATES = make_smoothers(
    {
        "median": (1, 2, 3),
        "mean": (0.4, 0.6, 1.0, 1.5),
        "crf": (0.02, 0.05, 0.1, 0.2, 0.4),
        "crf_contrast": (0.02, 0.05, 0.1, 0.2, 0.4),
    }
)


def checked_scores(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Extract the scores of two classes, float64 (n,).

    Raises:
        DataError: There are more than two classes, or scores outside [0, 1].
    """
    if "score_0" in frame or "score" not in frame:
        raise DataError("smoothing requires predictions of two classes, with one column score.")
    score = frame["score"].to_numpy(np.float64)
    if not ((score >= 0) & (score <= 1)).all():
        raise DataError("smoothing: the predictions' score must lie in 0 to 1 in every row.")
    return score


def _median(score: NDArray[np.float64], neighbours: Neighbours) -> NDArray[np.float64]:
    """Median over neighbourhoods; the mean of the middle two for an even number of values."""
    counts, every = neighbours.counts, np.arange(len(score))
    table = np.full((len(score), int(counts.max()) + 1), np.inf)
    table[:, 0] = score
    rows = neighbours.rows
    table[rows, 1 + np.arange(len(rows)) - neighbours.starts[rows]] = score[neighbours.columns]
    table.sort(axis=1)
    return np.asarray((table[every, counts // 2] + table[every, (counts + 1) // 2]) / 2)


def _mean(
    odds: NDArray[np.float64], neighbours: Neighbours, deviation: float
) -> NDArray[np.float64]:
    weights = neighbours.matrix(np.exp(-neighbours.squared_distance / (2 * deviation**2)))
    return np.asarray(expit((odds + weights @ odds) / (1 + weights.sum(1))))
