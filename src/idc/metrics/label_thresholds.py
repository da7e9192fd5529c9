"""A threshold for each of several labels, and one of all labels together for the rare ones."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from idc.errors import DataError
from idc.metrics.threshold import ThresholdRule
from idc.text import count

FEWEST = 5  # validation images with a label, and without it, for a threshold of its own


@dataclass(frozen=True)
class LabelThresholds:
    """The thresholds of several labels.

    Attributes:
        each: One per label; an image whose score is this or more is called so.
        own: Whether each was chosen on the label's own scores, or, as too few validation images
            have the label (or lack it), on those of all labels together.
    """

    each: tuple[float, ...]
    own: tuple[bool, ...]

    def decide(self, scores: NDArray[np.floating]) -> NDArray[np.int64]:
        """Which labels images of these scores, (N, k), are called: int64 (N, k), 0 or 1."""
        return (np.asarray(scores) >= np.array(self.each)).astype(np.int64)

    def note(self, class_names: Sequence[str]) -> list[str]:
        """The caveat of labels without a threshold of their own, in a sentence, or none."""
        shared = [name for name, own in zip(class_names, self.own, strict=True) if not own]
        if not shared:
            return []
        return [
            f"Fewer than {FEWEST} validation images have (or lack) {', '.join(shared)}: "
            f"{count(len(shared), 'label')} with the threshold of all labels together."
        ]


def choose_thresholds(
    rule: ThresholdRule, labels: NDArray[np.integer], scores: NDArray[np.floating]
) -> LabelThresholds:
    """Choose a threshold for each label on validation.

    Args:
        rule: How each is chosen. Where a target precision is not reached, by the highest F1.
        labels: int (N, k), 0 or 1.
        scores: float (N, k) in [0, 1].

    Raises:
        DataError: No validation image has a label, or all have every label.
    """
    positives = np.asarray(labels).sum(0)
    own = (positives >= FEWEST) & (len(labels) - positives >= FEWEST)
    values = np.full(len(own), np.nan)
    if not own.all():
        values[~own] = _choose(rule, np.asarray(labels).ravel(), np.asarray(scores).ravel())
    for label in np.flatnonzero(own):
        values[label] = _choose(rule, labels[:, label], scores[:, label])
    own |= rule.rule == "fixed"
    return LabelThresholds(tuple(values.tolist()), tuple(own.tolist()))


def _choose(
    rule: ThresholdRule, labels: NDArray[np.integer], scores: NDArray[np.floating]
) -> float:
    if rule.rule == "precision":
        with suppress(DataError):
            return rule.choose(labels, scores)
        rule = replace(rule, rule="max_f1")
    return rule.choose(labels, scores)
