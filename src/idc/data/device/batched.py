"""What a batched form of an albumentations transform is."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from idc.errors import ConfigError

Uniforms = NDArray[np.float64]
Parameters = NDArray[np.float32]
Range = tuple[float, float]


class BatchedTransform(ABC):
    """One transform for many patches at once, each with parameters of its own.

    It works in two steps. `parameters` turns random numbers into what the formula needs, on the
    host and in float64; `apply` is the formula, on the device. So nothing that the device has
    computed is ever asked for by the host.

    Attributes:
        uniforms: Random numbers in [0, 1) that one patch's parameters are made of.
    """

    uniforms: int

    @abstractmethod
    def parameters(self, u: Uniforms, height: int, width: int) -> Parameters:
        """Parameters from random numbers.

        Args:
            u: float64 (m, `uniforms`) in [0, 1).
            height: The patches' height in pixels.
            width: Their width in pixels.

        Returns:
            float32 (m, q), one row per patch.
        """

    @abstractmethod
    def apply(self, pixels: Tensor, parameters: Tensor) -> Tensor:
        """Transform patches; without a host-device synchronisation.

        Args:
            pixels: uint8 (m, H, W, 3), contiguous, RGB; not changed.
            parameters: float32 (m, q) of `parameters`, on the same device.

        Returns:
            uint8 (m, H, W, 3).
        """


def between(u: Uniforms, low_high: Range) -> Uniforms:
    """Numbers in [0, 1) as uniform draws from a range."""
    low, high = low_high
    return low + (high - low) * u


def integer_between(u: Uniforms, low: Any, high: Any) -> NDArray[np.int64]:
    """Numbers in [0, 1) as uniform draws from low..high, both included (broadcast)."""
    return np.asarray(low + np.floor(u * (np.asarray(high) - low + 1)), np.int64)


def column(parameters: Tensor, i: int) -> Tensor:
    """One parameter of each patch as (m, 1, 1, 1), to be broadcast over its pixels."""
    return parameters[:, i, None, None, None]


def refuse(transform: object, why: str) -> ConfigError:
    """The error for a transform, or an option of one, that has no batched form."""
    return ConfigError(
        f"augment.transforms: {type(transform).__name__} {why}; use an augmentation on the CPU "
        f"(augment=strong or augment.device=cpu)."
    )
