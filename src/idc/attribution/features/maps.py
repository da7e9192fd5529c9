"""Which layers to show, and maps of the channels that vary most."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg.lapack import dpstrf
from torch import Tensor, nn

from idc.attribution.features.outputs import module_outputs
from idc.attribution.layers import (
    STAGES,
    MapLayer,
    find_layer,
    finished_layers,
    map_layers,
    short_name,
)
from idc.attribution.prepare import explainable_copy
from idc.errors import ConfigError
from idc.models.backbone import POOLS
from idc.plots.layer_features import MapRow

MOST_STAGES = 6
NOTHING = 1e-6  # of the largest variance: below, a channel is constant or adds nothing


def feature_layers(
    network: nn.Module, image: Tensor, names: Sequence[str] | None = None
) -> list[MapLayer]:
    """Choose the layers to show, from the image to the vector.

    By default the first convolution, and the ends of the stages that the backbone names (timm) or
    else the last finished map of each size. Of more than six, six spread evenly with the first and
    the last.

    Args:
        network: Images to logits; copied, and left as it is.
        image: One input, float (1, 3, H, W) in [0, 1], on the device to compute on.
        names: Dotted names of modules, below the network or relative to ``backbone.stages.``, in
            the given order; repeats are dropped. None for the default.

    Raises:
        ConfigError: A name is unknown, or no map comes from it or from the network.
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


def choose_channels(covariance: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Choose the channels that vary most, each by what those before it do not show already.

    The first has the largest variance; each further one the largest variance left after a linear
    regression on those chosen (Cholesky with pivoting of the covariance, float64 (C, C)), so that
    only one of several equal channels is taken. When nothing is left, the rest follow by their own
    variance. A channel that is constant, or nearly so beside the others, is never taken.

    Returns:
        int64 (c,), c <= count, in the order chosen.
    """
    own = np.diag(covariance)
    least = NOTHING * own.max(initial=0.0)
    varying = np.flatnonzero(own > least)
    if not len(varying):
        return varying
    _, pivots, rank, _ = dpstrf(covariance[np.ix_(varying, varying)], tol=least)
    chosen = varying[pivots[:rank] - 1]
    rest = varying[np.argsort(-own[varying], kind="stable")]
    return np.concatenate([chosen, rest[~np.isin(rest, chosen)]])[:count]


def feature_maps(
    network: nn.Module,
    patches: NDArray[np.uint8],
    layers: Sequence[MapLayer],
    per_layer: int = 8,
    device: torch.device | str = "cpu",
    batch_size: int = 16,
) -> list[MapRow]:
    """Maps of the channels that vary most over the patches.

    Args:
        network: float (N, 3, H, W) in [0, 1] to logits; copied, and left as it is.
        patches: uint8 (N, H, W, 3), N > 0.
        layers: From `feature_layers`.
        per_layer: Channels of each layer.
        device: Where to compute.
        batch_size: Patches at once; results do not depend on it.

    Returns:
        One per layer, in their order, with the maps of all patches, float32 (N, c, h, w); fewer
        channels where fewer vary.
    """
    names, rows = [layer.name for layer in layers], np.arange(len(patches))
    batches = [
        {name: maps.float().cpu().numpy() for name, maps in seen.items()}
        for seen in module_outputs(network, patches, rows, names, batch_size, device)
    ]
    shown = []
    for layer in layers:
        maps = np.concatenate([batch[layer.name] for batch in batches])
        values = maps.swapaxes(0, 1).reshape(layer.channels, -1)
        covariance = np.atleast_2d(np.cov(values.astype(np.float64), bias=True))
        chosen = choose_channels(covariance, per_layer)
        low, high = values[chosen].min(1), values[chosen].max(1)
        row = MapRow(layer.short, layer.channels, chosen, maps[:, chosen], low, high)
        shown.append(row)
    return shown
