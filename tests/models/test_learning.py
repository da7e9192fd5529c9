"""Losses, heads, parameter groups and schedules."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from idc.models import backbones, heads, schedulers
from idc.models.losses import CrossEntropy, FocalLoss, class_weights
from idc.models.network import Network
from idc.models.optimizers import parameter_groups
from idc.models.schedulers import Horizon

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


def network() -> Network:
    backbone = backbones.vanilla_cnn(32, width=8)
    head = heads.mlp(backbone.num_features, 2, hidden=[16], dropout=0.2)
    return Network(backbone, head, 32)


def test_every_parameter_is_in_one_group_with_its_rate_and_decay() -> None:
    net = network()
    groups = parameter_groups(net, 0.1, backbone_lr_factor=0.01, head_weight_decay=0.5)
    listed = [id(p) for g in groups for p in g["params"]]
    assert sorted(listed) == sorted(id(p) for p in net.parameters())
    by_name = {g["name"]: g for g in groups}
    assert by_name["backbone"]["lr"] == pytest.approx(0.001)
    assert by_name["head"]["lr"] == 0.1
    assert by_name["head"]["weight_decay"] == 0.5
    assert by_name["backbone/no_decay"]["weight_decay"] == 0.0
    assert all(p.ndim == 1 for p in by_name["head/no_decay"]["params"])


def test_layers_learn_more_slowly_the_further_they_are_from_the_head() -> None:
    net = network()
    groups = parameter_groups(net, 0.1, backbone_lr_factor=0.5, layer_decay=0.8)
    assert sorted(id(p) for g in groups for p in g["params"]) == sorted(
        id(p) for p in net.parameters()
    )
    rates = {g["name"]: g["lr"] for g in groups}
    for place, block in enumerate(("block3", "block2", "block1"), 1):
        assert rates[f"backbone/{block}"] == pytest.approx(0.1 * 0.5 * 0.8**place)
    assert rates["head"] == 0.1


def rates(schedule: object, steps: int, horizon: Horizon) -> list[float]:
    optimizer = torch.optim.SGD(network().parameters(), lr=1.0)
    described = schedule(optimizer, horizon)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        described["scheduler"].step()
    return found


HORIZON = Horizon(100, "val/f1", "max")


def test_cosine_warms_up_and_ends_low() -> None:
    found = rates(schedulers.cosine, 100, HORIZON)
    assert found[0] < 0.05
    assert max(found) == pytest.approx(1.0)
    assert found.index(max(found)) == 5
    assert found[-1] == pytest.approx(0.01, abs=0.01)
    assert all(a >= b for a, b in pairwise(found[5:]))


def test_one_cycle_goes_up_and_down() -> None:
    found = rates(schedulers.one_cycle, 100, HORIZON)
    assert found[0] == pytest.approx(1 / 25)
    assert 25 <= found.index(max(found)) <= 33
    assert found[-1] < 0.01


def test_step_and_constant() -> None:
    assert rates(schedulers.constant, 5, HORIZON) == [1.0] * 5
    found = rates(lambda o, h: schedulers.step(o, h, every=2, factor=0.5), 5, HORIZON)
    assert found == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_plateau_watches_the_monitor() -> None:
    optimizer = torch.optim.SGD(network().parameters(), lr=1.0)
    described = schedulers.plateau(optimizer, HORIZON, patience=1, factor=0.1)
    assert described["monitor"] == "val/f1"
    for value in (0.5, 0.6, 0.55, 0.55):
        described["scheduler"].step(value)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)
