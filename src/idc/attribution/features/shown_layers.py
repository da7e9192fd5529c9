"""Which layers to show: the first convolution and the last map of each stage, or named ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.attribution.layers import STAGES, MapLayer, map_layers
from idc.attribution.prepare import explainable_copy
from idc.errors import ConfigError

MOST_STAGES = 6
FEW_STAGES = 3  # a network of fewer stages is cut by the size of its maps
LEVELS = 2  # and is looked at so deep: `body.blocks.3`
SHOWN_NAMES = 40
# What ends a stage without making anything new; the map before it is larger or the same.
CLOSING = (
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d),
    *(nn.Dropout, nn.Dropout2d, nn.Identity),
)
UNFINISHED = (nn.Conv2d, nn.BatchNorm2d, *CLOSING)


def feature_layers(
    network: nn.Module, image: Tensor, names: Sequence[str] | None = None
) -> list[MapLayer]:
    """Choose the layers to show, from the image to the vector.

    By default the first convolution and the last map of each stage, before a pooling that closes
    the stage and only makes the map smaller. Of more than six stages, six spread evenly with the
    first and the last. A network of fewer than three stages (``timm``, ``simple_cnn``) has no such
    cuts: there it is the last map of each size.

    Args:
        network: Images to logits; copied, and left as it is.
        image: One input, float (1, 3, H, W) in [0, 1]; its device is where it is computed.
        names: Dotted names of modules, below the network or relative to ``backbone.stages.``, in
            the given order; repeats are dropped. None for the default.

    Raises:
        ConfigError: A name that is unknown, or a module that gives no map; or a network without
            any map.
    """
    model = explainable_copy(network, image.device)
    layers = map_layers(model, image)
    if names is not None:
        chosen = [_named(model, layers, name) for name in names]
        return list({layer.name: layer for layer in chosen}.values())
    if not layers:
        raise ConfigError("explain: no layer of this network gives a map; there are no features.")
    modules = dict(model.named_modules())
    first = [name for name in layers if isinstance(modules[name], nn.Conv2d)][:1]
    own = getattr(modules.get("backbone"), "stage_ends", ())
    ends = [STAGES + name for name in own if STAGES + name in layers]
    ends = ends or _stage_ends(modules, layers)
    if len(ends) < FEW_STAGES:
        ends = _last_of_each_size(modules, layers) or ends
    spread = torch.linspace(0, len(ends) - 1, min(MOST_STAGES, len(ends))).round().long()
    return [layers[name] for name in dict.fromkeys([*first, *(ends[i] for i in spread)])]


def _named(model: nn.Module, layers: dict[str, MapLayer], name: str) -> MapLayer:
    for candidate in (name, STAGES + name):
        if candidate in layers:
            return layers[candidate]
    names = {n for n, _ in model.named_modules()}
    what = "gives no map" if {name, STAGES + name} & names else "is not in this network"
    by_depth = sorted(layers, key=lambda n: n.count("."))
    shown = set(by_depth[:SHOWN_NAMES])
    there = ", ".join(n.removeprefix(STAGES) for n in layers if n in shown)
    more = f" and {len(layers) - SHOWN_NAMES} deeper ones" if len(layers) > SHOWN_NAMES else ""
    raise ConfigError(f"explain: the layer {name!r} {what}; layers with a map are: {there}{more}.")


def _stage_ends(modules: dict[str, nn.Module], layers: dict[str, MapLayer]) -> list[str]:
    stages = modules.get(STAGES.rstrip("."))
    names = [] if stages is None else [STAGES + name for name, _ in stages.named_children()]
    ends = [_end(modules[name], name) for name in names]
    return [name for name in ends if name in layers]


def _end(module: nn.Module, name: str) -> str:
    """The module within a stage that makes its last map, before a closing pooling."""
    if type(module) is not nn.Sequential:
        return name
    children = list(module.named_children())
    while children and isinstance(children[-1][1], CLOSING):
        children.pop()
    if not children:
        return name
    last = f"{name}.{children[-1][0]}"
    inner = _end(children[-1][1], last)
    dropped = len(children) < len(module)
    return inner if dropped or inner != last else name


def _last_of_each_size(modules: dict[str, nn.Module], layers: dict[str, MapLayer]) -> list[str]:
    """The last finished map of each size within the stages, single points left out.

    Only the upper levels are looked at: what lies deeper is half-done work within a block.
    """
    staged = STAGES.rstrip(".") in modules
    ends: dict[tuple[int, int], str] = {}
    for name, layer in layers.items():
        below = name.removeprefix(STAGES)
        level = below.count(".")
        if level > LEVELS or (staged and (name == below or level == 0)):
            continue
        module = modules[name]
        closing = isinstance(module, UNFINISHED) or "pool" in type(module).__name__.lower()
        if not closing and _end(module, name) == name and layer.height * layer.width > 1:
            ends[layer.height, layer.width] = name
    order = {name: i for i, name in enumerate(layers)}
    return sorted(ends.values(), key=order.__getitem__)


@dataclass(frozen=True)
class Filters:
    """Weights of a convolution.

    Attributes:
        name: The layer's name, relative to the backbone's stages.
        weights: float32 (C, in, kh, kw); `in` counts inputs a group. They weigh pixels after the
            network's preprocessing (mean taken off, divided by the standard deviation).
    """

    name: str
    weights: NDArray[np.float32]


def first_filters(network: nn.Module) -> Filters:
    """The weights of the network's first two-dimensional convolution, copied.

    Raises:
        ConfigError: The network has none.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            weights = module.weight.detach().float().cpu().numpy().copy()
            return Filters(name.removeprefix(STAGES), weights)
    raise ConfigError("explain: this network has no convolution, so there are no filters to show.")
