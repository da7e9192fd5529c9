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

from idc.errors import ConfigError

LEAST = 1e-7
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


def shares(targets: Tensor, logits: Tensor) -> Tensor:
    """Targets as the share of each class, (N, k): one for an int64 label, or as they are mixed."""
    return F.one_hot(targets, logits.shape[1]).to(logits.dtype) if targets.ndim == 1 else targets


def focus(log_p: Tensor, gamma: float) -> Tensor:
    """``(1 - p)^gamma``, with a derivative for certain predictions where gamma is below 1 too."""
    return (1 - log_p.exp()).clamp(min=LEAST) ** gamma


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
        soft = shares(targets, logits)
        weights = torch.ones_like(soft) if self.weight is None else self.weight.expand_as(soft)
        scale = (soft * weights).sum()
        soft = soft * (1 - self.label_smoothing) + self.label_smoothing / k
        return -self._terms(soft * weights, logits.log_softmax(1)).sum() / scale

    def _terms(self, weights: Tensor, log_p: Tensor) -> Tensor:
        return weights * focus(log_p, self.gamma) * log_p


class BinaryCrossEntropy(CrossEntropy):
    """Binary cross-entropy: of the difference of two classes' logits, or of each of several labels.

    The sigmoid of the difference is the softmax of both, so that of two classes it is the
    cross-entropy, number for number; more than two of which an image has one are refused. Arguments
    are those of `CrossEntropy`.
    """

    two_classes_only = True


class AsymmetricLoss(nn.Module):
    """Asymmetric loss (Ridnik et al. 2021, "Asymmetric Loss For Multi-Label Classification").

    Of several labels, and of two classes (whose logits' difference is one label), the sum of
    ``-y (1 - p)^gamma_positive log p`` and ``-(1 - y) q^gamma_negative log(1 - q)``, where q is p
    less the margin, and 0 below it. Of more classes, of which an image has one, the authors' loss
    on the softmax: ``-(1 - p_t)^gamma_positive log p_t``, and for what label smoothing gives to the
    others ``-p^gamma_negative log p``. It is linear in the targets, so that mixed images take each
    label by its share. With both gammas and the margin 0 it is the (binary) cross-entropy.

    Args:
        weight: See the module.
        gamma_positive: How little easy positives count; >= 0.
        gamma_negative: How little easy negatives count; >= 0.
        margin: Probability up to which a negative does not count at all, in [0, 1).
        label_smoothing: See `CrossEntropy`.
        multi_label: See the module.
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        gamma_positive: float = 1.0,
        gamma_negative: float = 4.0,
        margin: float = 0.05,
        label_smoothing: float = 0.0,
        multi_label: bool = False,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.gamma_positive = gamma_positive
        self.gamma_negative = gamma_negative
        self.margin = margin
        self.label_smoothing = label_smoothing
        self.multi_label = multi_label

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean loss, a scalar."""
        if self.multi_label:
            positive = 1.0 if self.weight is None else self.weight
            soft = smooth_labels(targets, self.label_smoothing)
            return self._binary(logits, soft * positive, 1 - soft).mean()
        k = logits.shape[1]
        soft = shares(targets, logits)
        weighted = soft if self.weight is None else soft * self.weight
        scale = weighted.sum()
        of_others = weighted.sum(1, keepdim=True) - weighted
        spread = self.label_smoothing / k
        weights = weighted * (1 - self.label_smoothing + spread) + of_others * spread
        if k == 2:
            terms = self._binary(logits[:, 1] - logits[:, 0], weights[:, 1], weights[:, 0])
            return terms.sum() / scale
        log_p = logits.log_softmax(1)
        p = log_p.exp()
        target = weighted * (1 - self.label_smoothing + spread) * focus(log_p, self.gamma_positive)
        other = of_others * spread * p**self.gamma_negative
        return -((target + other) * log_p).sum() / scale

    def _binary(self, logits: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Terms of yes-or-no decisions with these weights of yes and of no."""
        log_yes, log_no = F.logsigmoid(logits), F.logsigmoid(-logits)
        if self.margin:
            log_no = torch.log((log_no.exp() + self.margin).clamp(max=1))
        yes = positive * focus(log_yes, self.gamma_positive) * log_yes
        return -(yes + negative * focus(log_no, self.gamma_negative) * log_no)


class SupervisedContrastive(nn.Module):
    """Supervised contrastive loss (Khosla et al. 2020) beside the cross-entropy.

    The contrastive part draws the backbone's features, normalised, of patches of one class together
    and pushes those of others away, within the batch of a process. In validation the loss is the
    cross-entropy alone: batches there hold neighbours, and what they contrast would say little.

    Args:
        weight: Class weights of the cross-entropy, float (k,), or None.
        contrastive_weight: What the contrastive part counts; the cross-entropy counts 1.
        temperature: Of the similarities; > 0.
        label_smoothing: See `CrossEntropy`.

    Raises:
        ConfigError: pytorch-metric-learning is not installed.
    """

    takes_features = True

    def __init__(
        self,
        weight: Tensor | None = None,
        contrastive_weight: float = 1.0,
        temperature: float = 0.1,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        try:
            from pytorch_metric_learning.losses import SupConLoss
        except ImportError as error:
            raise ConfigError(
                "loss=supcon needs the package pytorch-metric-learning: install idc with its "
                "extra, idc[contrastive]."
            ) from error
        self.cross_entropy = CrossEntropy(weight, label_smoothing)
        self.contrastive: nn.Module = SupConLoss(temperature)
        self.contrastive_weight = contrastive_weight

    @property
    def weight(self) -> Tensor | None:
        """The class weights."""
        return self.cross_entropy.weight

    def forward(self, logits: Tensor, targets: Tensor, features: Tensor) -> Tensor:
        """Loss, a scalar; features are float (N, num_features)."""
        loss: Tensor = self.cross_entropy(logits, targets)
        if not self.training:
            return loss
        contrast: Tensor = self.contrastive(features, targets)
        return loss + self.contrastive_weight * contrast
