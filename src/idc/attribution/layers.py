"""Which layer's map to explain with, at the input size in use.

At 50x50 the last map of ResNet50 is 2x2 and that of VGG16 1x1: a Grad-CAM there says nothing of
where. So the layer is the deepest whose map is still large enough.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from idc.attribution.prepare import gradients
from idc.errors import ConfigError

# What ends a block of a network: a plain convolution's output is not yet normalised or rectified.
NOT_LAYERS = (
    nn.Conv2d,
    nn.BatchNorm2d,
    nn.Dropout,
    nn.Identity,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
)


MAX_BLOCK_LEAVES = 24


@dataclass(frozen=True)
class ChosenLayer:
    """A layer and the size of its map.

    Attributes:
        name: Its name in the model.
        module: The layer.
        height: Rows of its map.
        width: Columns of its map.
    """

    name: str
    module: nn.Module
    height: int
    width: int


def choose_layer(
    model: nn.Module, image: Tensor, min_map: int = 6, layer: str | None = None
) -> ChosenLayer:
    """The deepest layer whose map is at least `min_map` x `min_map`, else that of the largest map.

    Blocks and activations are looked at, not single convolutions. Of a block and its last part,
    which give the same map, the block is taken.

    Args:
        model: A module in eval mode.
        image: One input, float (1, 3, H, W), on the model's device.
        min_map: Smallest side of the map.
        layer: A layer's name, which settles it; `short_name` will do.

    Raises:
        ConfigError: There is no layer of that name, or none gives a map.
    """
    found = _maps(model, image)
    if layer is not None:
        for candidate in found:
            if layer in (candidate.name, short_name(candidate.name)):
                return candidate
        names = ", ".join(c.name for c in found[-8:])
        raise ConfigError(f"explain: no layer {layer} with a map; there are: {names}.")
    inside = _inside_blocks(model)
    blocks = [c for c in found if not isinstance(c.module, NOT_LAYERS) and c.name not in inside]
    blocks = blocks or found
    if not blocks:
        raise ConfigError("explain: no layer of this network gives a map; Grad-CAM needs one.")
    large = [c for c in blocks if min(c.height, c.width) >= min_map]
    if large:
        return large[-1]
    return max(blocks, key=lambda c: min(c.height, c.width))


def named_layer(model: nn.Module, layer: str) -> tuple[str, nn.Module]:
    """A layer's whole name and the layer, by its name or `short_name`, without a forward pass.

    Raises:
        ConfigError: There is no layer of that name.
    """
    for name, module in model.named_modules():
        if name and layer in (name, short_name(name)):
            return name, module
    raise ConfigError(f"explain: this network has no layer {layer}.")


def short_name(layer: str) -> str:
    """A layer's name as it is shown: without what all layers of a backbone begin with."""
    return layer.removeprefix("backbone.stages.")


def _inside_blocks(model: nn.Module) -> set[str]:
    """Names of the modules within residual and similar blocks: half-done work, not a map.

    A block is an item of a plain Sequential that is none itself and holds a few layers only.
    """
    inside: set[str] = set()
    for parent_name, parent in model.named_modules():
        if type(parent) is not nn.Sequential:
            continue
        for name, item in parent.named_children():
            leaves = sum(1 for m in item.modules() if not any(m.children()))
            if type(item) is not nn.Sequential and leaves <= MAX_BLOCK_LEAVES:
                start = f"{parent_name}.{name}" if parent_name else name
                inside.update(f"{start}.{sub}" for sub, _ in item.named_modules() if sub)
    return inside


def _maps(model: nn.Module, image: Tensor) -> list[ChosenLayer]:
    """Every module whose outputs are all maps (4-D), in the order they finish."""
    found: list[ChosenLayer] = []
    other: set[str] = set()
    handles = []

    def look(name: str, module: nn.Module) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                found.append(ChosenLayer(name, module, output.shape[2], output.shape[3]))
            else:
                other.add(name)

        return hook

    for name, module in model.named_modules():
        if name:
            handles.append(module.register_forward_hook(look(name, module)))
    try:
        with gradients(), torch.no_grad():
            model(image)
    finally:
        for handle in handles:
            handle.remove()
    # A module that is used twice has no single map; the last use counts.
    last: dict[str, ChosenLayer] = {}
    for each in found:
        last.pop(each.name, None)
        last[each.name] = each
    return [each for name, each in last.items() if name not in other]
