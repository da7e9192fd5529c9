"""The metric collection of every stage, for two classes or more.

All metrics take probabilities, never logits: torchmetrics guesses per batch which of the two it
receives, and guesses wrong on a batch of confident logits.
"""

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import (
    BinaryAccuracy,
    BinaryAUROC,
    BinaryAveragePrecision,
    BinaryF1Score,
    BinaryPrecision,
    BinaryRecall,
    BinarySpecificity,
    BinaryStatScores,
    MulticlassAccuracy,
    MulticlassAUROC,
    MulticlassAveragePrecision,
    MulticlassF1Score,
    MulticlassPrecision,
    MulticlassRecall,
    MulticlassSpecificity,
)


class BinaryBalancedAccuracy(BinaryStatScores):
    """Mean of recall and specificity; a class that does not occur is left out."""

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    def compute(self) -> Tensor:
        """Balanced accuracy in [0, 1], a scalar."""
        tp, fp, tn, fn = (x.float() for x in self._final_state())
        present = torch.stack([tp + fn, tn + fp])
        right = torch.stack([tp, tn])
        return (right / present.clamp(min=1)).sum() / (present > 0).sum().clamp(min=1)


def build_metrics(num_classes: int, prefix: str = "") -> MetricCollection:
    """Build the metric collection of a stage.

    Args:
        num_classes: Number of classes, >= 2.
        prefix: Prefix of each name, such as ``val/``.

    Returns:
        A collection over `idc.metrics.metric_names.METRIC_NAMES`. For two classes, update it with
        the positive class's probability, float (N,), and labels, int64 (N,); the threshold is 0.5.
        For more, with probabilities (N, k): metrics are macro averages (accuracy: over patches).
        Inputs are not validated: that would synchronise the GPU at every step.
    """
    metrics: dict[str, Metric | MetricCollection]
    if num_classes == 2:
        metrics = {
            "accuracy": BinaryAccuracy(validate_args=False),
            "balanced_accuracy": BinaryBalancedAccuracy(validate_args=False),
            "precision": BinaryPrecision(validate_args=False),
            "recall": BinaryRecall(validate_args=False),
            "specificity": BinarySpecificity(validate_args=False),
            "f1": BinaryF1Score(validate_args=False),
            "auroc": BinaryAUROC(validate_args=False),
            "average_precision": BinaryAveragePrecision(validate_args=False),
        }
    else:
        metrics = {
            "accuracy": MulticlassAccuracy(num_classes, average="micro", validate_args=False),
            "balanced_accuracy": MulticlassAccuracy(num_classes, validate_args=False),
            "precision": MulticlassPrecision(num_classes, validate_args=False),
            "recall": MulticlassRecall(num_classes, validate_args=False),
            "specificity": MulticlassSpecificity(num_classes, validate_args=False),
            "f1": MulticlassF1Score(num_classes, validate_args=False),
            "auroc": MulticlassAUROC(num_classes, validate_args=False),
            "average_precision": MulticlassAveragePrecision(num_classes, validate_args=False),
        }
    return MetricCollection(metrics, prefix=prefix)


def scores_for_metrics(probabilities: Tensor) -> Tensor:
    """Select what the collection is updated with: (N, k) to (N,) for k = 2, else unchanged."""
    return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
