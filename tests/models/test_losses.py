"""Losses and class weights."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from idc.models.losses import CrossEntropy, FocalLoss, class_weights

LOGITS = torch.randn(32, 3, generator=torch.Generator().manual_seed(0))


TARGETS = torch.arange(32) % 3


WEIGHTS = torch.tensor([0.5, 2.0, 1.0])


@pytest.mark.parametrize("weight", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_focal_loss_without_focus_is_cross_entropy(
    weight: torch.Tensor | None, smoothing: float
) -> None:
    ours = FocalLoss(weight, gamma=0.0, label_smoothing=smoothing)(LOGITS, TARGETS)
    theirs = F.cross_entropy(LOGITS, TARGETS, weight, label_smoothing=smoothing)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


def test_focal_loss_is_the_papers_formula() -> None:
    p = LOGITS.softmax(1).gather(1, TARGETS[:, None])[:, 0]
    expected = (-((1 - p) ** 2) * p.log()).mean()
    assert FocalLoss(gamma=2.0)(LOGITS, TARGETS).item() == pytest.approx(expected.item(), abs=1e-6)


def test_soft_targets_equal_hard_ones() -> None:
    soft = F.one_hot(TARGETS, 3).float()
    for loss in (CrossEntropy(WEIGHTS), FocalLoss(None, 2.0), FocalLoss(None, 2.0, 0.1)):
        hard = loss(LOGITS, TARGETS).item()
        scale = 1.0
        if isinstance(loss, CrossEntropy):  # torch averages soft targets over samples
            scale = WEIGHTS[TARGETS].sum().item() / len(TARGETS)
        assert loss(LOGITS, soft).item() == pytest.approx(hard * scale, abs=1e-5)


def test_balanced_class_weights_are_sklearns() -> None:
    counts = np.array([30, 5, 65])
    y = np.repeat([0, 1, 2], counts)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    found = class_weights("balanced", counts)
    assert found is not None
    assert np.allclose(found.numpy(), expected)
    assert class_weights(None, counts) is None
    assert class_weights([1, 2, 3], counts).tolist() == [1.0, 2.0, 3.0]
