"""Which layers to show: the first convolution and the last map of each size, or named ones."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.attribution.layers import (
    POOLS,
    STAGES,
    MapLayer,
    find_layer,
    finished_layers,
    map_layers,
    short_name,
)
from idc.attribution.prepare import explainable_copy
from idc.errors import ConfigError

MOST_STAGES = 6


def feature_layers(
    network: nn.Module, image: Tensor, names: Sequence[str] | None = None
) -> list[MapLayer]:
    """Choose the layers to show, from the image to the vector.

    By default the first convolution, and the ends of the stages that the backbone names (timm) or
    else the last finished map of each size. Of more than six, six spread evenly with the first and
    the last.

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
        chosen = [find_layer(model, layers, name) for name in names]
        return list({layer.name: layer for layer in chosen}.values())
    modules = dict(model.named_modules())
    first = [name for name in layers if isinstance(modules[name], nn.Conv2d)][:1]
    own = getattr(modules.get("backbone"), "stage_ends", ())
    ends = [STAGES + name for name in own if STAGES + name in layers]
    ends = ends or _last_of_each_size(model, layers)
    spread = torch.linspace(0, len(ends) - 1, min(MOST_STAGES, len(ends))).round().long()
    return [layers[name] for name in dict.fromkeys([*first, *(ends[i] for i in spread)])]


def _last_of_each_size(model: nn.Module, layers: dict[str, MapLayer]) -> list[str]:
    """The last finished map of each size within the stages, from the image to the vector."""
    finished = finished_layers(model, layers) or list(layers.values())
    staged = [one for one in finished if one.name.startswith(STAGES)] or finished
    ends: dict[tuple[int, int], str] = {}
    for layer in staged:
        parts = list(model.get_submodule(layer.name).children())
        if not parts or not isinstance(parts[-1], POOLS):  # which makes a smaller map of the last
            ends.pop((layer.height, layer.width), None)
            ends[layer.height, layer.width] = layer.name
    return list(ends.values())


def first_filters(network: nn.Module) -> tuple[str, NDArray[np.float32]]:
    """The network's first two-dimensional convolution: its short name, and its weights, copied.

    The weights, float32 (C, in, kh, kw) with the inputs of a group, weigh pixels after the
    network's preprocessing (mean taken off, divided by the standard deviation).

    Raises:
        ConfigError: The network has none.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            return short_name(name), module.weight.detach().float().cpu().numpy().copy()
    raise ConfigError("explain: this network has no convolution, so there are no filters to show.")
