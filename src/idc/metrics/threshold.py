"""Where to cut the score: chosen on validation, used everywhere else."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from idc.errors import ConfigError, DataError

Rule = Literal["max_f1", "youden", "recall", "fixed"]


@dataclass(frozen=True)
class ThresholdRule:
    """How the threshold is chosen from validation scores.

    Attributes:
        rule: ``max_f1``; ``youden`` (recall + specificity - 1, Youden 1950); ``recall`` (the
            highest threshold whose recall is at least `target`: screening); ``fixed``.
        target: The recall to reach, for ``recall``; in (0, 1].
        value: The threshold, for ``fixed``; in [0, 1].
    """

    rule: Rule = "max_f1"
    target: float = 0.95
    value: float = 0.5

    def __post_init__(self) -> None:
        if self.rule not in ("max_f1", "youden", "recall", "fixed"):
            raise ConfigError(
                f"threshold.rule={self.rule}: choose max_f1, youden, recall or fixed."
            )
        if not 0 < self.target <= 1:
            raise ConfigError(f"threshold.target={self.target}: give a recall in (0, 1].")
        if not 0 <= self.value <= 1:
            raise ConfigError(f"threshold.value={self.value}: give a score in [0, 1].")

    def choose(self, labels: NDArray[np.integer], scores: NDArray[np.floating]) -> float:
        """Choose the threshold t; a patch is positive when ``score >= t``.

        The threshold lies half way between the lowest score that it takes in and the highest that
        it leaves out, so that it does not hang on the rounding of one score.

        Args:
            labels: int (N,), 0 or 1.
            scores: float (N,) in [0, 1].

        Returns:
            A threshold in [0, 1].

        Raises:
            DataError: The labels lack a class (not for ``fixed``).
        """
        if self.rule == "fixed":
            return self.value
        positive = np.asarray(labels) == 1
        if positive.all() or not positive.any():
            raise DataError("threshold: the validation side lacks a class; nothing to choose on.")
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order].astype(np.float64)
        last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))  # ties are cut together
        tp = np.cumsum(positive[order])[last]
        fp = last + 1 - tp
        recall = tp / positive.sum()
        if self.rule == "max_f1":
            value = 2 * tp / (tp + fp + positive.sum())
        elif self.rule == "youden":
            value = recall - fp / (~positive).sum()
        else:
            value = -(recall < self.target).astype(float)
        best = int(np.argmax(value))
        cut = ranked[last]
        below = cut[best + 1] if best + 1 < len(cut) else 0.0
        return float((cut[best] + below) / 2)
