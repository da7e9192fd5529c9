"""The filters of the first convolution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from idc.attribution.layers import STAGES
from idc.errors import ConfigError


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
