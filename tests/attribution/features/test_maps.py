"""Which layers are shown, by default and by name; filters; the maps against plain hooks."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idc.attribution.features.maps import (
    choose_channels,
    feature_layers,
    feature_maps,
    first_filters,
)
from idc.errors import ConfigError
from idc.models import backbones
from idc.models.backbone import Backbone
from idc.models.heads import linear
from idc.models.network import Network

SIDE = 32


def network(make: Callable[[], Backbone]) -> Network:
    torch.manual_seed(0)
    backbone = make()
    return Network(backbone, linear(backbone.num_features, 2, 0.5), SIDE)


def resnet() -> Network:
    return network(lambda: backbones.resnet("resnet18", SIDE))


@cache
def shared_resnet() -> Network:
    """For tests that only look."""
    return resnet()


def vanilla() -> Network:
    return network(lambda: backbones.vanilla_cnn(SIDE, width=8))


def image() -> Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def patches() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)


def test_default_is_the_first_convolution_and_the_last_map_of_each_stage() -> None:
    found = feature_layers(shared_resnet(), image())
    names = ["stem.conv1", "stem.relu", "layer1", "layer2", "layer3", "layer4"]
    assert [layer.short for layer in found] == names
    assert [layer.channels for layer in found] == [64, 64, 64, 128, 256, 512]
    assert [(layer.height, layer.width) for layer in found] == [
        (16, 16),
        (16, 16),
        (8, 8),
        (4, 4),
        (2, 2),
        (1, 1),
    ]


def test_a_pooling_that_closes_a_stage_is_left_out() -> None:
    found = feature_layers(vanilla(), image())
    assert [layer.short for layer in found] == ["block1.0", "block1.5", "block2.5", "block3.5"]
    assert [layer.height for layer in found] == [32, 32, 16, 8]


def test_a_network_of_one_stage_is_cut_by_map_size() -> None:
    small = feature_layers(network(lambda: backbones.simple_cnn(SIDE, channels=4)), image())
    assert [layer.short for layer in small] == ["conv.0", "conv.1"]


def test_a_model_of_timm_says_where_its_stages_end() -> None:
    pytest.importorskip("timm")
    found = feature_layers(network(lambda: backbones.timm("resnet10t", SIDE)), image())
    names = ["conv1.0", "act1", "layer1", "layer2", "layer3", "layer4"]
    assert [layer.short for layer in found] == names


def test_named_layers_come_in_the_order_asked_for() -> None:
    names = ["layer2.0.conv1", "backbone.stages.stem", "layer2.0.conv1"]
    found = feature_layers(shared_resnet(), image(), names)
    assert [layer.short for layer in found] == ["layer2.0.conv1", "stem"]
    assert feature_layers(shared_resnet(), image(), []) == []


def test_a_wrong_name_is_told_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"'layer9' is not in this network.*layer1, .*layer4"):
        feature_layers(shared_resnet(), image(), ["layer9"])
    with pytest.raises(ConfigError, match="'head' gives no map"):
        feature_layers(shared_resnet(), image(), ["head"])
    with pytest.raises(ConfigError, match="no layer of this network gives a map"):
        feature_layers(nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE**2, 2)), image())


def test_maps_are_those_of_a_plain_hook(patches: np.ndarray) -> None:
    model = resnet().train()
    # The second convolution's BatchNorm is followed by a sum in place.
    names = ["stem.conv1", "layer1.0.bn2", "layer3"]
    layers = feature_layers(model, image(), names)
    found = feature_maps(model, patches, layers, per_layer=4, batch_size=2)
    seen: dict[str, Tensor] = {}
    for name in names:
        module = model.get_submodule(f"backbone.stages.{name}")
        module.register_forward_hook(lambda _m, _i, o, n=name: seen.update({n: o.clone()}))
    with torch.no_grad():
        model.eval()(torch.from_numpy(patches).permute(0, 3, 1, 2))
    for name, maps in zip(names, found, strict=True):
        expected = seen[name].numpy()
        assert maps.maps.dtype == np.float32
        assert maps.maps.shape == (5, 4, *expected.shape[2:])
        assert len(set(maps.chosen.tolist())) == 4
        assert np.allclose(maps.maps, expected[:, maps.chosen], atol=1e-5)
        assert np.allclose(maps.low, expected[:, maps.chosen].min((0, 2, 3)), atol=1e-5)
        assert np.allclose(maps.high, expected[:, maps.chosen].max((0, 2, 3)), atol=1e-5)
        variance = expected.transpose(1, 0, 2, 3).reshape(expected.shape[1], -1).var(1)
        assert maps.chosen[0] == variance.argmax()


def test_maps_do_not_depend_on_the_batch_size(patches: np.ndarray) -> None:
    model = vanilla()
    layers = feature_layers(model, image())
    one, all_at_once = (feature_maps(model, patches, layers, 3, batch_size=b) for b in (1, 9))
    for a, b in zip(one, all_at_once, strict=True):
        assert a.chosen.tolist() == b.chosen.tolist()
        assert np.allclose(a.maps, b.maps, atol=1e-5)
        assert a.maps.std() > 0


def test_of_channels_that_say_the_same_one_is_shown() -> None:
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 5000)) * np.array([[3.0], [2.0], [0.5]])
    values = np.stack([a, 0.99 * a + 0.01 * c, b, c, np.zeros(5000)])
    covariance = np.cov(values)
    assert choose_channels(covariance, 3).tolist() == [0, 2, 3]
    # When nothing is left, the copies follow; the constant one never does.
    assert choose_channels(covariance, 9).tolist() == [0, 2, 3, 1]
    assert choose_channels(np.zeros((4, 4)), 2).tolist() == []


def test_constant_channels_are_not_shown(patches: np.ndarray) -> None:
    model = vanilla()
    with torch.no_grad():  # block1's last BatchNorm silences all channels but two
        norm = model.backbone.stages.block1[4]
        norm.weight.zero_()
        norm.bias.fill_(0.7)
        norm.weight[[1, 6]] = 1.0
    (found,) = feature_maps(model, patches, feature_layers(model, image(), ["block1.5"]), 8)
    assert sorted(found.chosen.tolist()) == [1, 6]
    assert found.maps.shape == (5, 2, SIDE, SIDE)


@pytest.mark.parametrize("inference", [False, True])
def test_the_model_stays_as_it_was(patches: np.ndarray, inference: bool) -> None:
    model = resnet().train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.inference_mode(inference):
        layers = feature_layers(model, image())
        feature_maps(model, patches, layers, 2)
        first_filters(model)[1][:] = 0
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(m.training for m in model.modules())
    assert not any(m._forward_hooks for m in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def test_filters_are_the_first_convolutions_weights() -> None:
    model = shared_resnet()
    name, weights = first_filters(model)
    assert name == "stem.conv1"
    assert np.array_equal(weights, model.backbone.stages.stem.conv1.weight.detach().numpy())
    where, other = first_filters(nn.Sequential(nn.Conv2d(5, 7, (3, 1)), nn.Conv2d(7, 2, 1)))
    assert (where, other.shape) == ("0", (7, 5, 3, 1))
    with pytest.raises(ConfigError, match="no convolution"):
        first_filters(nn.Linear(3, 2))
