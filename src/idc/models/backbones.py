"""The backbones: torchvision's families cut into stages, two small networks, and timm."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from torch import nn
from torchvision import models as tv

from idc.errors import ConfigError
from idc.models import timm_backbone
from idc.models.backbone import Backbone, StagedBackbone
from idc.models.weights import load_file, load_imagenet

Stages = OrderedDict[str, nn.Module]


def resnet(
    name: Literal["resnet18", "resnet34", "resnet50"],
    image_size: int,
    weights: str | None = None,
    stem: Literal["standard", "small"] = "standard",
) -> Backbone:
    """ResNet (He et al. 2016) with stages stem, layer1 .. layer4.

    Args:
        name: torchvision's name.
        image_size: Side of the input in pixels.
        weights: None, ``imagenet`` or a state_dict file.
        stem: ``small`` keeps the stem's resolution (stride 1, no max-pool), for small patches;
            the pretrained 7x7 filters still fit.
    """
    model = _torchvision(name, weights)
    if stem == "small":
        model.conv1.stride = (1, 1)
        model.maxpool = nn.Identity()
    first = OrderedDict(
        (part, getattr(model, part)) for part in ("conv1", "bn1", "relu", "maxpool")
    )
    layers = {part: getattr(model, part) for part in ("layer1", "layer2", "layer3", "layer4")}
    stages: Stages = OrderedDict(stem=nn.Sequential(first), **layers)
    return StagedBackbone(stages, image_size, nn.AdaptiveAvgPool2d(1))


def vgg(
    name: Literal["vgg16", "vgg16_bn", "vgg19", "vgg19_bn"],
    image_size: int,
    weights: str | None = None,
) -> Backbone:
    """VGG's convolutions (Simonyan & Zisserman 2015), stages block1 .. block5, average-pooled.

    The three dense layers of the original need 7x7 maps, which small patches do not give.
    """
    layers = list(_torchvision(name, weights).features)
    starts = [False, *(isinstance(layer, nn.MaxPool2d) for layer in layers[:-1])]
    return StagedBackbone(_cut("block", layers, starts), image_size, nn.AdaptiveAvgPool2d(1))


def mobilenet(
    name: Literal["mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"],
    image_size: int,
    weights: str | None = None,
) -> Backbone:
    """MobileNetV2 or V3 (Sandler et al. 2018; Howard et al. 2019).

    Stages stage1 .. stage6: a new stage begins at each halving of the map, the last holds the
    final 1x1 convolution.
    """
    layers = list(_torchvision(name, weights).features)
    starts = [
        any(isinstance(m, nn.Conv2d) and m.stride[0] == 2 for m in layer.modules())
        for layer in layers
    ]
    starts = [False, *starts[1:-1], True]
    return StagedBackbone(_cut("stage", layers, starts), image_size, nn.AdaptiveAvgPool2d(1))


def _cut(name: str, layers: Sequence[nn.Module], starts: Sequence[bool]) -> Stages:
    """Stages of layers, each beginning where `starts` has True."""
    blocks: list[list[nn.Module]] = [[]]
    for layer, start in zip(layers, starts, strict=True):
        if start:
            blocks.append([])
        blocks[-1].append(layer)
    return OrderedDict((f"{name}{i}", nn.Sequential(*each)) for i, each in enumerate(blocks, 1))


def simple_cnn(image_size: int, weights: str | None = None, channels: int = 32) -> Backbone:
    """One convolution; with the linear head's dense layer the naive benchmark of the field."""
    stages: Stages = OrderedDict(
        conv=nn.Sequential(nn.Conv2d(3, channels, 3), nn.ReLU(), nn.MaxPool2d(2))
    )
    return _small(StagedBackbone(stages, image_size, nn.Identity()), weights)


def vanilla_cnn(image_size: int, weights: str | None = None, width: int = 32) -> Backbone:
    """A small CNN to train from scratch: three blocks of two convolutions with BatchNorm."""

    def block(n_in: int, n_out: int) -> nn.Module:
        layers: list[nn.Module] = []
        for first in (n_in, n_out):
            layers += [nn.Conv2d(first, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out)]
            layers += [nn.ReLU()]
        return nn.Sequential(*layers, nn.MaxPool2d(2))

    sizes = [3, width, 2 * width, 4 * width]
    stages: Stages = OrderedDict(
        (f"block{i + 1}", block(a, b)) for i, (a, b) in enumerate(pairwise(sizes))
    )
    return _small(StagedBackbone(stages, image_size, nn.AdaptiveAvgPool2d(1)), weights)


def timm(model: str, image_size: int, weights: str | None = None) -> Backbone:
    """Any model of timm, transformers included (extra ``timm``); see `timm_backbone.build`."""
    return timm_backbone.build(model, image_size, weights)


def _torchvision(name: str, weights: str | None) -> Any:
    # Every model of torchvision draws its weights at construction, so this obeys the run's seed.
    build: Callable[..., Any] = tv.get_model_builder(name)
    model = build(weights=None)
    if weights == "imagenet":
        model.load_state_dict(load_imagenet(tv.get_model_weights(name).DEFAULT))
    elif weights is not None:
        load_file(model, Path(weights), ("fc.", "classifier."))
    return model


def _small(backbone: Backbone, weights: str | None) -> Backbone:
    if weights == "imagenet":
        raise ConfigError(
            "backbone.weights=imagenet: there are no ImageNet weights of this small network; use "
            "backbone.weights=null."
        )
    if weights is not None:
        load_file(backbone, Path(weights), ())
    return backbone
