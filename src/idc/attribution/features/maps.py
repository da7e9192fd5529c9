"""Feature maps: what the channels of a layer that vary most see in some patches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg.lapack import dpstrf
from torch import nn

from idc.attribution.features.outputs import module_outputs
from idc.attribution.layers import MapLayer

NOTHING = 1e-6  # of the largest variance: below, a channel is constant or adds nothing


def choose_channels(covariance: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Choose the channels that vary most, each by what those before it do not show already.

    The first has the largest variance; each further one the largest variance left after a linear
    regression on those chosen (Cholesky with pivoting of the covariance), so that only one of
    several equal channels is taken. When nothing is left, the rest follow by their own variance.
    A channel that is constant, or nearly so beside the others, is never taken.

    Args:
        covariance: float64 (C, C).
        count: Largest number of channels.

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


@dataclass(frozen=True)
class LayerMaps:
    """Some channels of a layer, over some patches.

    Attributes:
        layer: The layer, with its number of channels and the size of its map.
        chosen: The channels shown, int64 (c,); see `choose_channels`. Fewer than
            `per_layer` where fewer vary.
        maps: float32 (N, c, h, w).
        low: The smallest value of each channel over all the patches, float32 (c,).
        high: The largest.
    """

    layer: MapLayer
    chosen: NDArray[np.int64]
    maps: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]


def feature_maps(
    network: nn.Module,
    patches: NDArray[np.uint8],
    layers: Sequence[MapLayer],
    per_layer: int = 8,
    device: torch.device | str = "cpu",
    batch_size: int = 16,
) -> list[LayerMaps]:
    """Maps of the channels that vary most over the patches.

    Args:
        network: float (N, 3, H, W) in [0, 1] to logits; copied, and left as it is.
        patches: uint8 (N, H, W, 3), N > 0.
        layers: From `feature_layers`.
        per_layer: Channels of each layer.
        device: Where to compute.
        batch_size: Patches at once; results do not depend on it.

    Returns:
        One per layer, in their order.
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
        shown.append(LayerMaps(layer, chosen, maps[:, chosen], low, high))
    return shown
