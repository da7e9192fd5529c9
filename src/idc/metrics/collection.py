"""The metrics of the training loop, by torchmetrics.

All take probabilities, never logits: torchmetrics guesses per batch which of the two it receives,
and guesses wrong on a batch of confident logits.
"""

import torchmetrics.classification
import torchmetrics.functional.classification
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import (
    BinaryStatScores,
    MulticlassStatScores,
    MultilabelStatScores,
)
from torchmetrics.utilities import dim_zero_cat

from idc.metrics.definitions import AREA_METRICS, DECISION_METRICS, Counts, ratio


class BinaryDecisions(BinaryStatScores):
    """All metrics of decisions of two classes; 0 where one is undefined."""

    def compute(self) -> dict[str, Tensor]:  # type: ignore[override]
        """Name of each metric to a scalar."""
        tp, fp, tn, fn = (count.float() for count in self._final_state())
        return {one.name: one.of_two(Counts(tp, fp, fn, tn)) for one in DECISION_METRICS}


class MulticlassDecisions(MulticlassStatScores):
    """All metrics of decisions of three classes or more."""

    def compute(self) -> dict[str, Tensor]:  # type: ignore[override]
        """Name of each metric to a scalar."""
        tp, fp, tn, fn = (count.float() for count in self._final_state())
        return {one.name: one.of_more(Counts(tp, fp, fn, tn)) for one in DECISION_METRICS}


class MultilabelDecisions(MultilabelStatScores):
    """All metrics of decisions at 0.5 on several labels: means over those with both values."""

    def compute(self) -> dict[str, Tensor]:  # type: ignore[override]
        """Name of each metric to a scalar; 0 if no label has both values."""
        tp, fp, tn, fn = (count.float() for count in self._final_state())
        counts = Counts(tp, fp, fn, tn)
        both = ((counts.sum("tp fn") > 0) & (counts.sum("fp tn") > 0)).float()
        return {
            one.name: ratio((one.of_two(counts) * both).sum(), both.sum())
            for one in DECISION_METRICS
        }


class MultilabelAreas(Metric):
    """The metrics over all thresholds of several labels: means over those with both values.

    torchmetrics' own means count a label that does not occur with an AUROC of 0.
    """

    full_state_update = False
    scores: list[Tensor]
    targets: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("scores", "targets"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, scores: Tensor, targets: Tensor) -> None:
        """Add a batch: probabilities, float (N, k), and labels, int64 (N, k)."""
        self.scores.append(scores)
        self.targets.append(targets)

    def compute(self) -> dict[str, Tensor]:
        """Name of each metric to a scalar; 0 if no label has both values."""
        scores, targets = (dim_zero_cat(state) for state in (self.scores, self.targets))
        both = (targets == 1).any(0) & (targets == 0).any(0)
        if not (size := int(both.sum())):
            return {area.name: scores.new_zeros(()) for area in AREA_METRICS}
        chosen = scores[:, both], targets[:, both], size
        library = torchmetrics.functional.classification
        return {
            area.name: getattr(library, f"multilabel_{area.name}")(*chosen, validate_args=False)
            for area in AREA_METRICS
        }


def build_metrics(
    num_classes: int, prefix: str = "", multi_label: bool = False
) -> MetricCollection:
    """Build the metric collection of a stage.

    Args:
        num_classes: Number of classes, >= 2, or of labels, >= 1.
        prefix: Prefix of each name, such as ``val/``.
        multi_label: Whether an image may be of several classes, or of none.

    Returns:
        A collection that computes all of `idc.metrics.definitions.METRIC_NAMES`. For two classes,
        update it with the positive class's probability, float (N,), and labels, int64 (N,); the
        threshold is 0.5. For more, with probabilities (N, k): metrics are macro averages
        (accuracy: over patches). For several labels, with probabilities and labels (N, k): metrics
        are means over the labels that occur with both values. Inputs are not validated: that would
        synchronise the GPU at every step.
    """
    metrics: dict[str, Metric | MetricCollection] = {}
    sizes: tuple[int, ...]
    if multi_label:
        decisions = MultilabelDecisions(num_classes, average=None, validate_args=False)
        return MetricCollection({"decisions": decisions, "areas": MultilabelAreas()}, prefix=prefix)
    if num_classes == 2:
        kind, sizes = "Binary", ()
        metrics["decisions"] = BinaryDecisions(validate_args=False)
    else:
        kind, sizes = "Multiclass", (num_classes,)
        metrics["decisions"] = MulticlassDecisions(num_classes, validate_args=False)
    for area in AREA_METRICS:
        build = getattr(torchmetrics.classification, f"{kind}{area.torchmetrics}")
        metrics[area.name] = build(*sizes, validate_args=False)
    return MetricCollection(metrics, prefix=prefix)


def scores_for_metrics(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Select what the collection is updated with: (N,) of two classes, else (N, k) unchanged.

    Args:
        probabilities: (N, k).
        labels: (N,), or (N, k) of several labels.
    """
    two = labels.ndim == 1 and probabilities.shape[1] == 2
    return probabilities[:, 1] if two else probabilities
