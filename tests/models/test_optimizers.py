"""Parameter groups: each parameter once, with its rate and decay."""

import pytest

from idc.models import backbones, heads
from idc.models.network import Network
from idc.models.optimizers import parameter_groups


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
