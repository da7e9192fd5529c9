"""The metrics of the training loop, by torchmetrics.

All take probabilities, never logits: torchmetrics guesses per batch which of the two it receives,
and guesses wrong on a batch of confident logits.
"""

import torchmetrics.classification
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import BinaryStatScores, MulticlassStatScores

from idc.metrics.definitions import AREA_METRICS, DECISION_METRICS, Counts


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


def build_metrics(num_classes: int, prefix: str = "") -> MetricCollection:
    """Build the metric collection of a stage.

    Args:
        num_classes: Number of classes, >= 2.
        prefix: Prefix of each name, such as ``val/``.

    Returns:
        A collection that computes all of `idc.metrics.definitions.METRIC_NAMES`. For two classes,
        update it with the positive class's probability, float (N,), and labels, int64 (N,); the
        threshold is 0.5. For more, with probabilities (N, k): metrics are macro averages
        (accuracy: over patches). Inputs are not validated: that would synchronise the GPU at every
        step.
    """
    metrics: dict[str, Metric | MetricCollection] = {}
    sizes: tuple[int, ...]
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


def scores_for_metrics(probabilities: Tensor) -> Tensor:
    """Select what the collection is updated with: (N, k) to (N,) for k = 2, else unchanged."""
    return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
