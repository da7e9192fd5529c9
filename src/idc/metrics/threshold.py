"""Choice of the decision threshold on validation scores."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix_at_thresholds

from idc.errors import ConfigError, DataError
from idc.metrics.definitions import Counts
from idc.metrics.grouped import metrics_of_two

WORDS = {
    "max_f1": "threshold with the highest validation F1",
    "youden": "threshold with the highest sum of validation recall and specificity (Youden)",
    "recall": "highest threshold whose validation recall is at least {target:g}",
    "precision": "threshold with the highest recall among those whose validation precision is at "
    "least {target:g}",
    "cost": "threshold with the lowest cost on validation, with {false_negative_cost:g} per missed "
    "positive patch and {false_positive_cost:g} per false alarm",
    "fixed": "fixed threshold of {value:g}",
}
TARGETED = ("recall", "precision")
WITH_TARGET = re.compile(r"\s*(recall|precision)\s*>=\s*(\S+)\s*")


@dataclass(frozen=True)
class ThresholdRule:
    """How the threshold is chosen from validation scores; for two classes.

    Attributes:
        rule: ``max_f1``; ``youden`` (recall + specificity - 1, Youden 1950); ``recall`` (the
            highest threshold whose recall is at least `target`: screening); ``precision`` (the
            highest recall with a precision of at least `target`); ``cost`` (the lowest total cost,
            `false_negative_cost` per missed patch and `false_positive_cost` per false alarm);
            ``fixed``. ``recall>=0.95`` and ``precision>=0.9`` set a rule and its target.
        target: The recall or precision to reach, for ``recall`` and ``precision``; in (0, 1].
        value: The threshold, for ``fixed``; in [0, 1].
        false_negative_cost: Cost of a positive patch that is missed, for ``cost``; above 0.
        false_positive_cost: Cost of a negative patch called positive, for ``cost``; above 0.

    Raises:
        ConfigError: The rule is unknown, or its target not in (0, 1]; the schema has the ranges of
            the other values.
    """

    rule: str = "max_f1"
    target: float = 0.95
    value: float = 0.5
    false_negative_cost: float = 5.0
    false_positive_cost: float = 1.0

    def __post_init__(self) -> None:
        if short := WITH_TARGET.fullmatch(self.rule):
            try:
                target = float(short[2])
            except ValueError:
                target = 0.0
            if not 0 < target <= 1:
                raise ConfigError(f"threshold.rule={self.rule}: give a {short[1]} in (0, 1].")
            object.__setattr__(self, "rule", short[1])
            object.__setattr__(self, "target", target)
        if self.rule not in WORDS:
            raise ConfigError(
                f"threshold.rule={self.rule}: choose {', '.join(WORDS)}; a target is written "
                f"recall>=0.95 or precision>=0.9."
            )

    @property
    def has_target(self) -> bool:
        """Whether the rule has a target recall or precision."""
        return self.rule in TARGETED

    def describe(self) -> str:
        """Describe the rule in words."""
        return WORDS[self.rule].format_map(vars(self))

    def choose(self, labels: NDArray[np.integer], scores: NDArray[np.floating]) -> float:
        """Choose the threshold t; a patch is positive when ``score >= t``.

        The threshold lies half way between the lowest score above it and the highest below it, so
        that it does not depend on the rounding of one score. Of equally good thresholds it is the
        highest.

        Args:
            labels: int (N,), 0 or 1.
            scores: float (N,) in [0, 1].

        Returns:
            A threshold in [0, 1].

        Raises:
            DataError: The labels have only one class, or no threshold reaches the target precision
                (never for ``fixed``).
        """
        if self.rule == "fixed":
            return float(self.value)
        positive = np.asarray(labels) == 1
        if positive.all() or not positive.any():
            raise DataError(
                "threshold: the validation split has only one class, so no threshold can be chosen."
            )
        lowest, counts = all_cuts(positive, np.asarray(scores, np.float64))
        value = self._value(counts)
        called = counts.sum("tp fp") > 0
        if self.rule != "cost":  # only costs can favour calling nothing positive
            value[~called] = -np.inf
        best = int(np.argmax(value))
        if value[best] == -np.inf:
            metrics = metrics_of_two(counts)
            top = int(np.argmax(np.where(called, metrics["precision"], -1)))
            raise DataError(
                f"threshold.rule=precision: no threshold reaches a precision of {self.target:g} on "
                f"validation. The best is {metrics['precision'][top]:.4f}, at a recall of "
                f"{metrics['recall'][top]:.4f}: lower threshold.target or choose another rule."
            )
        inside, outside = lowest[best], np.append(lowest, 0.0)[best + 1]
        middle = (inside + outside) / 2
        # The middle of neighbouring floats may round to the one outside.
        return float(middle if middle > outside else inside)

    def _value(self, counts: Counts) -> NDArray[np.float64]:
        """Value of each cut under the rule, higher is better, float64 (M,)."""
        metrics = metrics_of_two(counts)
        if self.rule == "max_f1":
            return metrics["f1"]
        if self.rule == "youden":
            return metrics["recall"] + metrics["specificity"] - 1
        if self.rule == "recall":
            return np.where(metrics["recall"] >= self.target, 0.0, -1.0)
        if self.rule == "precision":
            return np.where(metrics["precision"] >= self.target, metrics["recall"], -np.inf)
        missed, alarms = self.false_negative_cost * counts.fn, self.false_positive_cost * counts.fp
        return np.asarray(-(missed + alarms))

    def missed(
        self,
        labels: NDArray[np.integer],
        predicted: NDArray[np.integer],
        positive: str,
        split: str = "test",
    ) -> str | None:
        """Describe by how much the target, reached on validation, was missed on another split.

        Args:
            labels: int (N,), 0 or 1.
            predicted: The decisions, int (N,), 0 or 1.
            positive: Name of class 1, for the sentence.
            split: Name of the split, for the sentence.

        Returns:
            A sentence, or None if the target was reached, there is no target, or (for recall) no
            patch is positive.
        """
        actual, called = np.asarray(labels) == 1, np.asarray(predicted) == 1
        total = int((actual if self.rule == "recall" else called).sum())
        hits = int((actual & called).sum())
        if not self.has_target or (total and hits / total >= self.target):
            return None
        start = f"The {self.rule} target of {self.target:g} "
        if not total:
            missing = f"{start}cannot be judged on {split}: no patch was called {positive}."
            return missing if self.rule == "precision" else None
        lost = f"{total - hits:,} of {total:,}"
        verb = "was" if total - hits == 1 else "were"
        if self.rule == "recall":
            why = f"{lost} {positive} patches {verb} missed"
        else:
            why = f"{lost} patches called {positive} {verb} not"
        return f"{start}was missed on {split}: {_below(hits / total, self.target)} ({why})."


def all_cuts(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Counts]:
    """All distinct decisions of a threshold in [0, 1], strictest first.

    Returns:
        Lowest score that each calls positive, float64 (M,), and its counts. The first is 1 and
        calls nothing positive, unless a patch scores 1, which every threshold calls positive.
    """
    tn, fp, fn, tp, lowest = confusion_matrix_at_thresholds(positive, scores)
    if lowest[0] < 1:
        total = tp[-1], fp[-1]
        lowest, tp, fp = (np.append(first, x) for first, x in ((1.0, lowest), (0, tp), (0, fp)))
        fn, tn = total[0] - tp, total[1] - fp
    return lowest, Counts(tp, fp, fn, tn)


def _below(value: float, target: float) -> str:
    """Format a value with enough digits (at least two) to show that it is below its target."""
    for digits in range(2, 8):
        text = f"{value:.{digits}f}"
        if float(text) < target:
            return text
    return f"{value:.8f}"
