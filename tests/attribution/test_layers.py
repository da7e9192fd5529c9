"""The layer whose map is drawn."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from idc.attribution.layers import choose_layer, named_layer, short_name
from idc.errors import ConfigError
from idc.models import backbones
from idc.models.network import Network

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
    with torch.device("meta"):  # shapes only: to draw the weights of a VGG takes seconds
        model = BACKBONES[name](size).eval()
        chosen = choose_layer(model, torch.rand(1, 3, size, size))
    assert min(chosen.height, chosen.width) >= 6
    assert chosen.name in dict(model.named_modules())


def test_the_deepest_large_enough_is_taken() -> None:
    model = backbones.resnet("resnet18", 96).eval()
    image = torch.rand(1, 3, 96, 96)
    assert choose_layer(model, image, 6).name == "stages.layer3"
    assert choose_layer(model, image, 12).name == "stages.layer2"
    # Nothing is as large as is asked for: the largest there is.
    assert choose_layer(model, image, 100).height == 48


class Twice(nn.Module):
    """An activation that is used on a map and on a vector, and one that is used on two maps."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.act, self.both = nn.Sequential(nn.AvgPool2d(2)), nn.ReLU(), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.both(self.pool(self.both(x)))
        return self.act(self.act(maps).mean((2, 3)))


def test_a_layer_has_nothing_but_maps() -> None:
    chosen = choose_layer(Twice(), torch.rand(1, 3, 24, 24))
    assert (chosen.name, chosen.height) == ("both", 12)


def test_a_layer_can_be_named() -> None:
    model = backbones.resnet("resnet18", 50).eval()
    image = torch.rand(1, 3, 50, 50)
    assert choose_layer(model, image, layer="stages.layer4").height == 2
    with pytest.raises(ConfigError, match=r"'layer9' is not in this network.*stages\.layer4"):
        choose_layer(model, image, layer="layer9")


def test_without_maps_there_is_a_clear_error() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with pytest.raises(ConfigError, match="no layer of this network gives a map"):
        choose_layer(model, torch.rand(1, 3, 2, 2))


def test_a_layer_goes_by_its_short_name_too() -> None:
    backbone = backbones.resnet("resnet18", 50)
    model = Network(backbone, nn.Linear(backbone.num_features, 2), 50).eval()
    image = torch.rand(1, 3, 50, 50)
    for name in ("layer3", "backbone.stages.layer3"):
        assert choose_layer(model, image, layer=name).name == "backbone.stages.layer3"
        assert named_layer(model, name) == ("backbone.stages.layer3", backbone.stages.layer3)
    assert short_name("backbone.stages.layer3") == "layer3"
    with pytest.raises(ConfigError, match="no layer layer9"):
        named_layer(model, "layer9")
