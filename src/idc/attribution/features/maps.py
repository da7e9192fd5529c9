"""Feature maps: what the channels of a layer that vary most see in some patches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.attribution.features.stream import as_input
from idc.attribution.layers import MapLayer
from idc.attribution.map_layout import watching
from idc.attribution.prepare import explainable_copy, gradients

NOTHING = 1e-6  # of the largest variance: below, a channel is constant or adds nothing


class Moments:
    """Sums over many maps that give their channels' covariance, in float64.

    Args:
        channels: Number of channels.
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.low = np.full(channels, np.inf)
        self.high = np.full(channels, -np.inf)
        self._sum = np.zeros(channels)
        self._products = np.zeros((channels, channels))

    def add(self, maps: Tensor) -> None:
        """Count the positions of some maps, (n, C, h, w)."""
        values = maps.cpu().transpose(0, 1).flatten(1).double().numpy()
        self.count += values.shape[1]
        self.low = np.minimum(self.low, values.min(1))
        self.high = np.maximum(self.high, values.max(1))
        self._sum += values.sum(1)
        self._products += values @ values.T

    def covariance(self) -> NDArray[np.float64]:
        """float64 (C, C), over all positions of all maps."""
        mean = self._sum / self.count
        matrix = np.asarray(self._products / self.count - np.outer(mean, mean))
        constant = self.low == self.high  # rounding would leave a little
        matrix[constant], matrix[:, constant] = 0.0, 0.0
        return matrix


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
    own = np.diag(covariance).clip(0).copy()
    least = NOTHING * own.max(initial=0.0)
    left = own.copy()
    chosen: list[int] = []
    directions: list[NDArray[np.float64]] = []
    while len(chosen) < min(count, len(own)):
        best = int(left.argmax())
        if left[best] <= least:
            break
        column = covariance[:, best] - sum((d * d[best] for d in directions), np.zeros(len(own)))
        directions.append(column / np.sqrt(left[best]))
        left = left - directions[-1] ** 2
        chosen.append(best)
        left[chosen] = -np.inf
    order = np.argsort(-own, kind="stable").tolist()
    rest = [i for i in order if own[i] > least and i not in chosen]
    return np.array([*chosen, *rest][:count], np.int64)


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

    The patches pass twice: to measure how the channels vary, and for the maps of those chosen.
    So memory holds no more than a batch's maps, one table of channels by channels per layer, and
    the result.

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
    model = explainable_copy(network, device)
    moments = {layer.name: Moments(layer.channels) for layer in layers}
    for seen in _passes(model, patches, list(moments), device, batch_size):
        for name, sums in moments.items():
            sums.add(seen[name])
    chosen = {n: choose_channels(m.covariance(), per_layer) for n, m in moments.items()}
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in chosen}
    for seen in _passes(model, patches, list(moments), device, batch_size):
        for name, channels in chosen.items():
            indices = torch.as_tensor(channels, device=seen[name].device)
            parts[name].append(seen[name][:, indices].float().cpu().numpy())
    return [
        LayerMaps(
            layer,
            chosen[layer.name],
            np.concatenate(parts[layer.name]),
            moments[layer.name].low[chosen[layer.name]].astype(np.float32),
            moments[layer.name].high[chosen[layer.name]].astype(np.float32),
        )
        for layer in layers
    ]


def _passes(
    model: nn.Module,
    patches: NDArray[np.uint8],
    names: Sequence[str],
    device: torch.device | str,
    batch_size: int,
) -> Iterator[dict[str, Tensor]]:
    with watching(model, names) as seen:
        for start in range(0, len(patches), batch_size):
            part = np.ascontiguousarray(patches[start : start + batch_size])
            # Within the loop: a generator that pauses must not leave its caller in another mode.
            with gradients(), torch.no_grad():
                model(as_input(torch.from_numpy(part).permute(0, 3, 1, 2), device))
            yield seen
