"""Losses and class weights."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from idc.models.classifier import heavier
from idc.models.losses import (
    AsymmetricLoss,
    BinaryCrossEntropy,
    CrossEntropy,
    FocalLoss,
    SupervisedContrastive,
    class_weights,
    positive_weights,
)

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


BINARY = torch.arange(32) % 2
PAIRS = LOGITS[:, :2]
MEMBERS = (torch.arange(96).view(32, 3) % 5 < 2).float()


def mixed(classes: int) -> torch.Tensor:
    """Targets as mixup makes them."""
    hard = F.one_hot(torch.arange(32) % classes, classes).float()
    return 0.7 * hard + 0.3 * hard.roll(1, 0)


@pytest.mark.parametrize("weight", [None, torch.tensor([0.5, 2.0])])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_binary_cross_entropy_is_that_of_the_difference(
    weight: torch.Tensor | None, smoothing: float
) -> None:
    ours = BinaryCrossEntropy(weight, smoothing)(PAIRS, BINARY)
    z, y = PAIRS[:, 1] - PAIRS[:, 0], BINARY * (1 - smoothing) + smoothing / 2
    if weight is None:
        expected = F.binary_cross_entropy_with_logits(z, y)
    else:
        terms = -(weight[1] * y * F.logsigmoid(z) + weight[0] * (1 - y) * F.logsigmoid(-z))
        expected = terms.sum() / weight[BINARY].sum()
    assert ours.item() == pytest.approx(expected.item(), abs=1e-6)
    several = BinaryCrossEntropy(multi_label=True)(LOGITS, MEMBERS)
    theirs = F.binary_cross_entropy_with_logits(LOGITS, MEMBERS)
    assert several.item() == pytest.approx(theirs.item(), abs=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_asymmetric_loss_without_focus_is_cross_entropy(smoothing: float) -> None:
    plain = {"gamma_positive": 0.0, "gamma_negative": 0.0, "margin": 0.0}
    loss = partial(AsymmetricLoss, **plain, label_smoothing=smoothing)
    expected = CrossEntropy(label_smoothing=smoothing)
    for logits, targets in (
        (PAIRS, BINARY),
        (LOGITS, TARGETS),
        (PAIRS, mixed(2)),
        (LOGITS, mixed(3)),
    ):
        ours, theirs = loss()(logits, targets), expected(logits, targets)
        assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    ours = loss(WEIGHTS, multi_label=True)(LOGITS, MEMBERS)
    theirs = CrossEntropy(WEIGHTS, smoothing, multi_label=True)(LOGITS, MEMBERS)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)


def test_asymmetric_loss_is_the_authors() -> None:
    """Their code for several labels (summed there), and for one, written down again."""
    p = LOGITS.sigmoid()
    no = (1 - p + 0.05).clamp(max=1)
    terms = MEMBERS * p.log() * (1 - p) + (1 - MEMBERS) * no.log() * (1 - no) ** 4
    ours = AsymmetricLoss(multi_label=True)(LOGITS, MEMBERS)
    assert ours.item() == pytest.approx(-terms.mean().item(), abs=1e-6)
    log_p, hard = LOGITS.log_softmax(1), F.one_hot(TARGETS, 3).float()
    xs_pos, xs_neg = log_p.exp() * hard, (1 - log_p.exp()) * (1 - hard)
    focus = (1 - xs_pos - xs_neg) ** (2.0 * hard + 4.0 * (1 - hard))
    expected = -((hard * 0.9 + 0.1 / 3) * log_p * focus).sum(1).mean()
    ours = AsymmetricLoss(gamma_positive=2.0, label_smoothing=0.1)(LOGITS, TARGETS)
    assert ours.item() == pytest.approx(expected.item(), abs=1e-6)
    z = PAIRS[:, 1] - PAIRS[:, 0]
    two = AsymmetricLoss()(PAIRS, BINARY)
    one_label = AsymmetricLoss(multi_label=True)(z[:, None], BINARY[:, None].float())
    assert two.item() == pytest.approx(one_label.item(), abs=1e-6)


def test_asymmetric_loss_weighs_classes_and_is_linear_in_mixed_targets() -> None:
    for logits, weight in ((PAIRS, torch.tensor([0.5, 2.0])), (LOGITS, WEIGHTS)):
        k = logits.shape[1]
        loss = AsymmetricLoss(weight, label_smoothing=0.1)
        each = [
            sum(
                loss(row[None], torch.tensor([c])) * weight[c] * share
                for c, share in enumerate(soft)
            )
            for row, soft in zip(logits, mixed(k), strict=True)
        ]
        expected = sum(each) / (mixed(k) * weight).sum()
        assert loss(logits, mixed(k)).item() == pytest.approx(expected.item(), abs=1e-5)


def test_supervised_contrast_is_the_papers_formula_beside_the_cross_entropy() -> None:
    features = torch.randn(32, 8, generator=torch.Generator().manual_seed(1))
    loss = SupervisedContrastive(WEIGHTS, contrastive_weight=0.5, temperature=0.2)
    likeness = F.normalize(features) @ F.normalize(features).T / 0.2
    likeness.fill_diagonal_(-torch.inf)
    log_share = likeness.log_softmax(1)
    same = (TARGETS[:, None] == TARGETS).fill_diagonal_(False)
    contrast = -(log_share.masked_fill(~same, 0).sum(1) / same.sum(1)).mean()
    entropy = F.cross_entropy(LOGITS, TARGETS, WEIGHTS)
    expected = (entropy + 0.5 * contrast).item()
    assert loss(LOGITS, TARGETS, features).item() == pytest.approx(expected, abs=1e-5)
    assert loss.eval()(LOGITS, TARGETS, features).item() == pytest.approx(entropy.item(), abs=1e-6)
    alone = loss.train()(LOGITS[:1], TARGETS[:1], features[:1])  # nothing to contrast with
    assert alone.item() == pytest.approx(F.cross_entropy(LOGITS[:1], TARGETS[:1]).item(), abs=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        FocalLoss(gamma=0.5),
        AsymmetricLoss(gamma_positive=0.5, gamma_negative=0.5),
        AsymmetricLoss(gamma_positive=0.5, gamma_negative=0.5, multi_label=True),
        BinaryCrossEntropy(multi_label=True),
    ],
)
def test_gradients_of_certain_predictions_are_finite(loss: torch.nn.Module) -> None:
    logits = torch.tensor([[60.0, -60.0], [-60.0, 60.0], [0.0, 0.0]], requires_grad=True)
    targets = torch.tensor([0, 0, 1])
    if getattr(loss, "multi_label", False):
        targets = F.one_hot(targets, 2).float()
    loss(logits, targets).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


SEVERAL = (torch.rand(32, 3, generator=torch.Generator().manual_seed(1)) < 0.3).float()


@pytest.mark.parametrize("loss", [CrossEntropy, FocalLoss])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_each_of_several_labels_is_a_classification_in_two(
    loss: type[CrossEntropy | FocalLoss], smoothing: float
) -> None:
    whole = loss(label_smoothing=smoothing, multi_label=True)(LOGITS, SEVERAL)
    two = loss(label_smoothing=smoothing)
    of_label = [
        two(torch.stack([torch.zeros(32), LOGITS[:, i]], 1), SEVERAL[:, i].long()).item()
        for i in range(3)
    ]
    assert whole.item() == pytest.approx(np.mean(of_label), abs=1e-6)


@pytest.mark.parametrize("loss", [CrossEntropy, FocalLoss])
def test_weights_of_positive_labels_count_these_so_often(
    loss: type[CrossEntropy | FocalLoss],
) -> None:
    twice = loss(torch.full((3,), 2.0), multi_label=True)
    once = loss(multi_label=True)
    positive, negative = torch.ones(32, 3), torch.zeros(32, 3)
    assert twice(LOGITS, positive).item() == pytest.approx(2 * once(LOGITS, positive).item())
    assert twice(LOGITS, negative).item() == pytest.approx(once(LOGITS, negative).item())


def test_balanced_weights_of_labels_make_both_values_count_alike() -> None:
    counts = np.array([10, 50, 0])
    weights = positive_weights("balanced", counts, 100)
    assert weights is not None
    assert weights.tolist() == [9.0, 1.0, 1.0]
    given = positive_weights([1, 2, 3], counts, 100)
    assert given is not None
    assert given.tolist() == [1.0, 2.0, 3.0]


def test_a_mixed_image_is_measured_as_the_heavier_one() -> None:
    mixed = 0.7 * torch.tensor([[1.0, 0, 1]]) + 0.3 * torch.tensor([[0.0, 1, 1]])
    assert heavier(mixed, multi_label=True).tolist() == [[1, 0, 1]]
    assert heavier(torch.tensor([[0.3, 0.7]]), multi_label=False).tolist() == [1]
