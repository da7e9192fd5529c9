"""Losses on logits, with class weights and soft targets."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

ClassWeights = Literal["balanced"] | Sequence[float] | None


def class_weights(weights: ClassWeights, counts: NDArray[np.int64]) -> Tensor | None:
    """Weights of the classes in the loss, float32 (k,), or None.

    `weights` is None, one per class, or ``balanced``: inverse to the training patches of each
    class, int64 (k,), with a mean of 1 over the patches, as scikit-learn's.
    """
    if weights is None:
        return None
    if weights == "balanced":
        return torch.from_numpy(counts.sum() / (len(counts) * np.maximum(counts, 1))).float()
    return torch.tensor([float(w) for w in weights])


class CrossEntropy(nn.CrossEntropyLoss):
    """Cross-entropy on logits (N, k) and targets, int64 (N,) or probabilities (N, k)."""

    def __init__(self, weight: Tensor | None = None, label_smoothing: float = 0.0) -> None:
        super().__init__(weight=weight, label_smoothing=label_smoothing)


class FocalLoss(nn.Module):
    """Focal loss (Lin et al. 2017, "Focal Loss for Dense Object Detection"), for k classes.

    ``-(1 - p_t)^gamma log p_t``, weighted by class and averaged over the batch's weights; soft
    targets take each class by its share. With ``gamma=0`` it is the cross-entropy.

    Args:
        weight: Class weights, float (k,), or None.
        gamma: How strongly easy samples are down-weighted; >= 0.
        label_smoothing: Share of each target spread over all classes, in [0, 1).
    """

    weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, gamma: float = 2.0, label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.gamma = gamma
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean focal loss, a scalar."""
        k = logits.shape[1]
        soft = F.one_hot(targets, k).to(logits.dtype) if targets.ndim == 1 else targets
        weights = torch.ones_like(soft) if self.weight is None else self.weight.expand_as(soft)
        scale = (soft * weights).sum()
        soft = soft * (1 - self.label_smoothing) + self.label_smoothing / k
        log_p = logits.log_softmax(1)
        terms = soft * weights * (1 - log_p.exp()) ** self.gamma * log_p
        return -terms.sum() / scale
