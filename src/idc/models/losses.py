"""Losses on logits, with class weights and soft targets.

A loss takes logits (N, k) and targets: int64 (N,), probabilities (N, k) of a mixed batch, or, with
``multi_label=True``, the labels of each image, float (N, k) in [0, 1], each of them a decision of
its own. The `weight` is then that of a positive label, float (k,); see `positive_weights`.
"""

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


def positive_weights(
    weights: ClassWeights, counts: NDArray[np.int64], patches: int
) -> Tensor | None:
    """Weights of a positive label in the loss, of several labels: float32 (k,), or None.

    Args:
        weights: None, one per label, or ``balanced``: the training patches without the label, for
            each with it; 1 for a label that no patch has.
        counts: Training patches with each label, int64 (k,).
        patches: Number of training patches.
    """
    if weights != "balanced":
        return class_weights(weights, counts)
    ratio = np.where(counts > 0, (patches - counts) / np.maximum(counts, 1), 1.0)
    return torch.from_numpy(np.maximum(ratio, 1e-3)).float()


class CrossEntropy(nn.CrossEntropyLoss):
    """Cross-entropy of the softmax; of several labels the mean of each one's.

    Args:
        weight: See the module.
        label_smoothing: Share of each target spread over all classes, in [0, 1); of several
            labels over yes and no.
        multi_label: See the module.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        label_smoothing: float = 0.0,
        multi_label: bool = False,
    ) -> None:
        super().__init__(weight=weight, label_smoothing=label_smoothing)
        self.multi_label = multi_label

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy, a scalar."""
        if not self.multi_label:
            return super().forward(logits, targets)
        soft = smooth_labels(targets, self.label_smoothing)
        return F.binary_cross_entropy_with_logits(logits, soft, pos_weight=self.weight)


def smooth_labels(targets: Tensor, smoothing: float) -> Tensor:
    """Labels of several per image with a share of each spread over yes and no."""
    return targets * (1 - smoothing) + smoothing / 2


class FocalLoss(nn.Module):
    """Focal loss (Lin et al. 2017, "Focal Loss for Dense Object Detection"), for k classes.

    ``-(1 - p_t)^gamma log p_t``, weighted by class and averaged over the batch's weights; soft
    targets take each class by its share. With ``gamma=0`` it is the cross-entropy. Of several
    labels each is a decision of its own, and the loss is their mean.

    Args:
        weight: Class weights, float (k,), or None; see the module.
        gamma: How strongly easy samples are down-weighted; >= 0.
        label_smoothing: See `CrossEntropy`.
        multi_label: See the module.
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        gamma: float = 2.0,
        label_smoothing: float = 0.0,
        multi_label: bool = False,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.gamma = gamma
        self.label_smoothing = label_smoothing
        self.multi_label = multi_label

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean focal loss, a scalar."""
        if self.multi_label:
            soft = smooth_labels(targets, self.label_smoothing)
            terms = self._terms(soft, F.logsigmoid(logits)) * (
                1 if self.weight is None else self.weight
            )
            return -(terms + self._terms(1 - soft, F.logsigmoid(-logits))).mean()
        k = logits.shape[1]
        soft = F.one_hot(targets, k).to(logits.dtype) if targets.ndim == 1 else targets
        weights = torch.ones_like(soft) if self.weight is None else self.weight.expand_as(soft)
        scale = (soft * weights).sum()
        soft = soft * (1 - self.label_smoothing) + self.label_smoothing / k
        return -self._terms(soft * weights, logits.log_softmax(1)).sum() / scale

    def _terms(self, weights: Tensor, log_p: Tensor) -> Tensor:
        return weights * (1 - log_p.exp()) ** self.gamma * log_p
