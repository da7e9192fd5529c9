"""The layer whose map is drawn."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from idc.errors import ConfigError
from idc.explain.layers import choose_layer
from idc.models import backbones

BACKBONES: dict[str, Callable[[int], nn.Module]] = {
    "resnet18": lambda size: backbones.resnet("resnet18", size),
    "resnet50": lambda size: backbones.resnet("resnet50", size),
    "resnet18 small stem": lambda size: backbones.resnet("resnet18", size, stem="small"),
    "vgg16": lambda size: backbones.vgg("vgg16", size),
    "vgg16_bn": lambda size: backbones.vgg("vgg16_bn", size),
    "mobilenet_v2": lambda size: backbones.mobilenet("mobilenet_v2", size),
    "mobilenet_v3_small": lambda size: backbones.mobilenet("mobilenet_v3_small", size),
    "vanilla_cnn": backbones.vanilla_cnn,
    "simple_cnn": backbones.simple_cnn,
}


@pytest.mark.parametrize("size", [50, 96])
@pytest.mark.parametrize("name", BACKBONES)
def test_the_map_is_at_least_six_by_six(name: str, size: int) -> None:
    model = BACKBONES[name](size).eval()
    chosen = choose_layer(model, torch.rand(1, 3, size, size))
    assert min(chosen.height, chosen.width) >= 6
    assert dict(model.named_modules())[chosen.name] is chosen.module


def test_the_deepest_large_enough_is_taken() -> None:
    model = backbones.resnet("resnet18", 96).eval()
    image = torch.rand(1, 3, 96, 96)
    assert choose_layer(model, image, 6).name == "stages.layer3"
    assert choose_layer(model, image, 12).name == "stages.layer2"
    # Nothing is as large as is asked for: the largest there is.
    assert choose_layer(model, image, 100).height == 48


def test_a_layer_can_be_named() -> None:
    model = backbones.resnet("resnet18", 50).eval()
    image = torch.rand(1, 3, 50, 50)
    assert choose_layer(model, image, layer="stages.layer4").height == 2
    with pytest.raises(ConfigError, match=r"no layer layer9.*stages\.layer4"):
        choose_layer(model, image, layer="layer9")


def test_without_maps_there_is_a_clear_error() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with pytest.raises(ConfigError, match="no layer of this network gives a map"):
        choose_layer(model, torch.rand(1, 3, 2, 2))
