"""Each metric once: from counts of decisions, or from counts at the score of each positive patch.

A metric that is added to `DECISION_METRICS` or `AREA_METRICS` is logged in training, validation and
test, has intervals and paired tests, and is shown per patient, per slice, in tables and pages.
Formulas are plain arithmetic, for NumPy arrays and torch tensors alike, and this module imports
neither: the configuration takes the metrics' names from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

Array = Any  # a NumPy array or a torch tensor of floats


class Counts(NamedTuple):
    """Decisions on one class against the rest; arrays of one shape, such as one count per draw.

    Attributes:
        tp: Patches of the class that are called so.
        fp: Other patches that are called so.
        fn: Patches of the class that are not.
        tn: Other patches that are not.
    """

    tp: Array
    fp: Array
    fn: Array
    tn: Array

    def sum(self, cells: str) -> Array:
        """Sum of some cells, such as ``"tp fn"``."""
        return sum(getattr(self, cell) for cell in cells.split())


class Ranks(NamedTuple):
    """Positive patches by score: counts at each of their distinct scores, in the last dimension.

    Attributes:
        new: Positives of exactly this score.
        tp: Positives of this score or above.
        fp: Negatives of this score or above.
        fp_above: Negatives above this score.
        positives: All positives; the last dimension is 1.
        negatives: All negatives.
    """

    new: Array
    tp: Array
    fp: Array
    fp_above: Array
    positives: Array
    negatives: Array


def ratio(part: Array, whole: Array) -> Array:
    """``part / whole`` of sums of counts; 0 where the whole is 0."""
    return part / (whole + (whole == 0))


def macro(value: Callable[[Counts], Array], counts: Counts) -> Array:
    """Mean over classes, the last dimension, of those that are a label or a decision."""
    occurs = counts.sum("tp fp fn") > 0
    return ratio((value(counts) * occurs).sum(-1), occurs.sum(-1))


@dataclass(frozen=True)
class Metric:
    """What every metric has.

    Attributes:
        name: As in ``test/<name>``.
        meaning: For two classes, in a page's table; ``{yes}`` and ``{no}`` are the classes,
            ``{share}`` is the share of positive patches and ``{most}`` of the larger class.
        meaning_of_more: For more than two classes.
        needs: The labels, 0 or 1, without which it is undefined for two classes.
        compared: Whether runs are tested against each other by it, and listed on the leaderboard.
    """

    name: str
    meaning: str
    meaning_of_more: str
    needs: tuple[int, ...] = (0, 1)
    compared: bool = True


@dataclass(frozen=True)
class DecisionMetric(Metric):
    """A metric of decisions, in [0, 1] unless its formula says otherwise.

    Attributes:
        value: Its formula for one class against the rest, 0 for 0 / 0.
        value_of_more: Its formula for more classes (in the counts' last dimension); by default
            the `macro` mean of `value`.
        counts: The cells that it counts, such as ``"tp fn"``; empty for both classes alike.
        is_share: Whether it is the share of some of these patches.
    """

    value: Callable[[Counts], Array] = lambda counts: counts.tp
    value_of_more: Callable[[Counts], Array] | None = None
    counts: str = ""
    is_share: bool = False

    def of_two(self, counts: Counts) -> Array:
        """The metric of the positive class."""
        return self.value(counts)

    def of_more(self, counts: Counts) -> Array:
        """The metric of three classes or more, in the last dimension of the counts."""
        return self.value_of_more(counts) if self.value_of_more else macro(self.value, counts)


@dataclass(frozen=True)
class AreaMetric(Metric):
    """A metric over all thresholds; for more classes the mean of each against the rest.

    Attributes:
        at_score: Its formula at the score of a positive patch, of which it is the mean.
        torchmetrics: Its class there, without ``Binary`` or ``Multiclass``.
    """

    at_score: Callable[[Ranks], Array] = lambda ranks: ranks.tp
    torchmetrics: str = ""

    def of_ranks(self, ranks: Ranks) -> Array:
        """The metric of each draw; 0 without positives."""
        return ratio((ranks.new * self.at_score(ranks)).sum(-1), ranks.positives[..., 0])


def _share(hits: str, of: str) -> dict[str, Any]:
    """The fields of a metric that is the share of `hits` among the cells `of`."""
    value = lambda counts: ratio(counts.sum(hits), counts.sum(of))  # noqa: E731
    return {"value": value, "counts": of, "is_share": True}


def _balanced(counts: Counts) -> Array:
    positives, negatives = counts.sum("tp fn"), counts.sum("fp tn")
    present = 1 * (positives > 0) + 1 * (negatives > 0)
    return ratio(ratio(counts.tp, positives) + ratio(counts.tn, negatives), present)


RECALL = _share("tp", of="tp fn")
# In the order of display: recall first.
DECISION_METRICS = (
    DecisionMetric(
        "recall",
        "of the patches labelled {yes}, the share called {yes}",
        "share of a class that was predicted as such, mean over the classes",
        needs=(1,),
        **RECALL,
    ),
    DecisionMetric(
        "specificity",
        "of the patches labelled {no}, the share called {no}",
        "share of the other patches not predicted as a class, mean over these",
        needs=(0,),
        compared=False,
        **_share("tn", of="fp tn"),
    ),
    DecisionMetric(
        "precision",
        "of the patches called {yes}, the share labelled {yes}",
        "share of the predictions of a class that are correct, mean over these",
        needs=(1,),
        compared=False,
        **_share("tp", of="tp fp"),
    ),
    DecisionMetric(
        "f1",
        "harmonic mean of recall and precision",
        "harmonic mean of recall and precision, mean over the classes",
        needs=(1,),
        value=lambda counts: ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn),
        counts="tp fp fn",
    ),
    DecisionMetric(
        "balanced_accuracy",
        "mean of recall and specificity; 0.5 for guessing",
        "the same as the mean recall",
        value=_balanced,
        value_of_more=lambda counts: macro(RECALL["value"], counts),
    ),
    DecisionMetric(
        "accuracy",
        "share of correct decisions; {most} for a constant one",
        "share of all patches predicted correctly, dominated by frequent classes",
        needs=(),
        value_of_more=lambda counts: ratio(counts.tp.sum(-1), counts.sum("tp fn").sum(-1)),
        **_share("tp tn", of="tp fp fn tn"),
    ),
)
AREA_METRICS = (
    AreaMetric(
        "auroc",
        "probability that {yes} scores higher than {no}; 0.5 for guessing",
        "each class against the rest, over all thresholds, mean",
        at_score=lambda r: 1 - ratio(r.fp_above + r.fp, 2 * r.negatives),  # ties count half
        torchmetrics="AUROC",
    ),
    AreaMetric(
        "average_precision",
        "precision over all thresholds; {share} for guessing",
        "each class against the rest, over all thresholds, mean",
        compared=False,
        at_score=lambda r: ratio(r.tp, r.tp + r.fp),  # no interpolation, as in scikit-learn
        torchmetrics="AveragePrecision",
    ),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in (*DECISION_METRICS, *AREA_METRICS)}
AT_DECISION = tuple(metric.name for metric in DECISION_METRICS)
AREAS = tuple(metric.name for metric in AREA_METRICS)
METRIC_NAMES = (*AT_DECISION, *AREAS)
# What follows a patient's share of positives says little of the worst patient or of a baseline.
BY_PREVALENCE = ("accuracy", "precision")
