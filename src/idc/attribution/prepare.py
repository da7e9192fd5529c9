"""Copies of a model that attribution methods may change, and the maps that its layers give."""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import isqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def explainable_copy(model: nn.Module, device: torch.device | str) -> nn.Module:
    """Copy a model to a device, in eval mode and without in-place operations.

    In train mode integrated gradients would move BatchNorm's statistics; in-place activations
    overwrite the maps that hooks look at.
    """
    with gradients():
        # With channels last in memory, convolutions on a CPU are faster (MobileNets: by a third).
        copied = copy.deepcopy(model).to(device).to(memory_format=torch.channels_last).eval()
        for module in copied.modules():
            if hasattr(module, "inplace"):
                setattr(module, "inplace", False)  # noqa: B010 (no class declares it)
        # Gradients flow to the input and the maps; none are kept for the weights.
        return copied.requires_grad_(False)


@contextmanager
def gradients() -> Iterator[None]:
    """Enable gradients, also inside Lightning's test hooks, which run in inference mode."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def fresh(images: Tensor, device: torch.device | str) -> Tensor:
    """Copy images to a normal tensor, in `gradients`: others of inference mode have no gradient."""
    return images.detach().clone().to(device)


def as_images(patches: NDArray[np.uint8], device: torch.device | str) -> Tensor:
    """Patches, uint8 (n, H, W, 3), as float (n, 3, H, W) in [0, 1]; called inside `gradients`."""
    return fresh(torch.tensor(patches).permute(0, 3, 1, 2), device).float() / 255


@dataclass(frozen=True)
class MapLayout:
    """How a network lays out its maps; see `idc.models.backbone.Backbone`.

    Attributes:
        prefix_tokens: Tokens before those of the patch grid.
        channels_last: Whether maps are (N, h, w, C).
        tokens: Whether layers may give tokens, (N, tokens, C); maps are square then.
    """

    prefix_tokens: int = 0
    channels_last: bool = False
    tokens: bool = False

    @classmethod
    def of(cls, model: nn.Module) -> "MapLayout":
        """The layout of a network's backbone; that of convolutions for any other module."""
        backbone = getattr(model, "backbone", None)
        return cls(
            getattr(backbone, "prefix_tokens", 0),
            getattr(backbone, "channels_last", False),
            getattr(backbone, "gives_tokens", False),
        )

    def as_map(self, output: object) -> Tensor | None:
        """A layer's output as a map, (N, C, h, w); None where it is none."""
        if not isinstance(output, Tensor):
            return None
        if output.ndim == 4:
            if self._is_channels_last(output):
                return output.permute(0, 3, 1, 2)
            return None if self.tokens and output.shape[2] != output.shape[3] else output
        if output.ndim == 3 and self.tokens and (prefix := self._prefix(output)) is not None:
            side = isqrt(output.shape[1] - prefix)
            return output[:, prefix:].transpose(1, 2).reshape(len(output), -1, side, side)
        return None

    def as_output(self, maps: Tensor, output: Tensor) -> Tensor:
        """The inverse of `as_map`: an output like the given one, with another map."""
        if output.ndim == 4:
            return maps.permute(0, 2, 3, 1) if self._is_channels_last(output) else maps
        prefix = self._prefix(output)
        return torch.cat([output[:, :prefix], maps.flatten(2).transpose(1, 2)], dim=1)

    def _is_channels_last(self, output: Tensor) -> bool:
        return self.channels_last and output.shape[1] == output.shape[2]

    def _prefix(self, output: Tensor) -> int | None:
        """Tokens before the grid's; some networks add theirs in the last blocks only."""
        for prefix in (self.prefix_tokens, 0):
            count = output.shape[1] - prefix
            if count > 0 and isqrt(count) ** 2 == count:
                return prefix
        return None


@contextmanager
def hooked(
    model: nn.Module, names: Iterable[str], see: Callable[[str, object], None]
) -> Iterator[None]:
    """Call ``see(name, output)`` for each pass through a named module, while the context lasts."""
    with ExitStack() as stack:
        for name in names:

            def hook(_module: object, _inputs: object, output: object, name: str = name) -> None:
                see(name, output)

            handle = model.get_submodule(name).register_forward_hook(hook)
            stack.callback(handle.remove)
        yield


@contextmanager
def map_module(model: nn.Module, layer: nn.Module) -> Iterator[nn.Module]:
    """A module whose output is the map of a layer of the model, (N, C, h, w), in the context.

    Captum and torchcam take the output of a module for a map; where a layer gives tokens, a module
    of its own turns them into one, and the network continues with the tokens of that map.
    """
    layout = MapLayout.of(model)
    if layout == MapLayout():
        yield layer
        return
    part = _AsMap(layout)

    def through(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return layout.as_output(part(output), output)

    handle = layer.register_forward_hook(through)
    try:
        yield part
    finally:
        handle.remove()


class _AsMap(nn.Module):
    def __init__(self, layout: MapLayout) -> None:
        super().__init__()
        self.layout = layout

    def forward(self, output: Tensor) -> Tensor:
        maps = self.layout.as_map(output)
        assert maps is not None
        return maps
