"""Weights that are shuffled block by block, from the head down."""

from collections.abc import Callable

import pytest
import torch
from some_plan import some_plan
from torch import nn

from idc.attribution.faithfulness.probe import Probe
from idc.attribution.faithfulness.weights_check import (
    MAX_BLOCKS,
    shuffled_stages,
    similarities,
    weight_blocks,
)
from idc.attribution.methods import Saliency
from idc.models import backbones
from idc.models.heads import linear, mlp
from idc.models.network import Network

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": lambda: backbones.resnet("resnet18", 32),
    "vgg16_bn": lambda: backbones.vgg("vgg16_bn", 32),
    "mobilenet_v3_small": lambda: backbones.mobilenet("mobilenet_v3_small", 32),
    "simple_cnn": lambda: backbones.simple_cnn(32),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_hold_every_weight_once_with_the_head_first(name: str) -> None:
    backbone = NETWORKS[name]()
    model = Network(backbone, linear(backbone.num_features, 2), 32)
    blocks = weight_blocks(model)
    assert 2 <= len(blocks) <= MAX_BLOCKS
    assert blocks[0].modules == (model.head,)
    held = [id(p) for block in blocks for m in block.modules for p in m.parameters()]
    assert sorted(held) == sorted(id(p) for p in model.parameters())
    first = next(m for m in model.modules() if isinstance(m, nn.Conv2d))
    assert any(m is first for part in blocks[-1].modules for m in part.modules())


def test_shuffling_keeps_the_weights_and_renews_the_statistics() -> None:
    torch.manual_seed(0)
    backbone = backbones.vanilla_cnn(16, width=4)
    model = Network(backbone, mlp(backbone.num_features, 2, hidden=(8,)), 16).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                module.running_var *= 1e-6  # would blow the activations up
    images = torch.rand(1, 3, 16, 16)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    start = {name: p.clone() for name, p in model.named_parameters() if "block1" in name}
    stages = shuffled_stages(model, weight_blocks(model), images, (0, 1))
    assert next(stages) == "head"
    assert all(torch.equal(p, start[n]) for n, p in model.named_parameters() if n in start)
    assert next(iter(stages)).endswith("block3")
    for _ in stages:
        pass
    for name, weight in model.named_parameters():
        assert torch.equal(weight.flatten().sort().values, before[name].flatten().sort().values)
    conv = "backbone.stages.block1.0.weight"
    assert not torch.equal(model.get_parameter(conv), before[conv])
    assert not any(module.training for module in model.modules())
    with torch.no_grad():
        assert model(images).abs().max() < 100


def test_each_shuffling_starts_from_the_trained_network() -> None:
    torch.manual_seed(0)
    backbone = backbones.vanilla_cnn(16, width=4)
    model = Network(backbone, linear(backbone.num_features, 2), 16).eval().requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plan = some_plan(shuffles=2)
    probe = Probe(model, torch.rand(2, 3, 16, 16), torch.ones(2, dtype=torch.int64), plan, 2)
    maps, _ = probe.maps(Saliency())
    told: list[int] = []
    layers, similar = similarities(probe, {"s": Saliency()}, {"s": maps}, told.append)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert similar["s"].shape == (len(layers), 2)
    assert told == [2] * 2 * (len(layers) - 1)
