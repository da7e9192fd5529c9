"""The interface of attribution methods and their result."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Baseline = Literal["white", "black", "mean"]
# Elementwise activations, as functions and modules, without underscores and capitals.
ELEMENTWISE = frozenset(
    [
        *("relu", "relu6", "leakyrelu", "prelu", "rrelu", "elu", "celu", "selu", "hardtanh"),
        *("hardsigmoid", "hardswish", "hardshrink", "softshrink", "tanhshrink", "sigmoid"),
        *("logsigmoid", "tanh", "silu", "mish", "gelu", "softplus", "softsign", "threshold"),
    ]
)


@dataclass(frozen=True)
class Attributions:
    """The maps of some patches.

    Attributes:
        maps: float32 (N, H, W), in the images' resolution; positive values are evidence for the
            target class (methods that only measure how much a pixel matters give values >= 0).
        source: The layer or input that a map is of: ``layer2, map 7x7``, or ``pixels``.
        error: For methods that promise completeness, float32 (N,): the map's sum minus the rise of
            the logit from the reference image to the patch, in logits; else None.
        note: A caveat of the method on this network; empty where there is none.
    """

    maps: NDArray[np.float32]
    source: str
    error: NDArray[np.float32] | None = None
    note: str = ""


class Method(Protocol):
    """An attribution method."""

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Explain the logits of the targets.

        Args:
            model: Images to logits (N, k); from `idc.attribution.prepare.explainable_copy`.
            images: float (N, 3, H, W) in [0, 1], N > 0.
            targets: int64 (N,), the class whose logit is explained.
        """
        ...


def reference_image(images: Tensor, kind: Baseline) -> Tensor:
    """Reference images, which show nothing, float (N, 3, H, W), for images in [0, 1].

    `kind` is ``white`` (glass, in bright field), ``black``, or ``mean`` (each patch's mean colour).
    """
    images = images.detach()
    match kind:
        case "white":
            return torch.ones_like(images)
        case "black":
            return torch.zeros_like(images)
        case "mean":
            return images.mean((2, 3), keepdim=True).expand_as(images).clone()


def array(values: Tensor) -> NDArray[np.float32]:
    """A tensor's values as a float32 array of the same shape."""
    return np.ascontiguousarray(values.detach().float().cpu().numpy())


def in_rows(images: Tensor, targets: Tensor, rows: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of at most `rows` images (at least one) and their targets."""
    for start in range(0, len(images), max(1, rows)):
        part = slice(start, start + max(1, rows))
        yield images[part], targets[part]


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress Captum's notices about its hooks, which it removes again."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Setting (forward, )?backward hooks")
        yield
