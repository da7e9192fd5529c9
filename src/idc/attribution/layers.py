"""Layers whose output is a map, at the input size in use, and which of them to explain with.

At 50x50 the last map of ResNet50 is 2x2 and that of VGG16 1x1, on which a Grad-CAM does not
localise. So the layer is the deepest whose map is still large enough. The tokens of a transformer
make a map on its grid of patches.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from idc.attribution.prepare import MapLayout, fresh, gradients, hooked
from idc.errors import ConfigError
from idc.models.backbone import POOLS

STAGES = "backbone.stages."
# What gives no finished map, beside poolings, which only make the map before them smaller: a plain
# convolution is not yet normalised or rectified.
UNFINISHED = (nn.Conv2d, nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity)
NORMS = (nn.LayerNorm, nn.RMSNorm)
MAX_BLOCK_LEAVES = 24
SHOWN_NAMES = 40


@dataclass(frozen=True)
class MapLayer:
    """A layer whose output is a map.

    Attributes:
        name: Its dotted name in the model.
        channels: Number of channels.
        height: Rows of its map, at the input in use.
        width: Columns of its map.
    """

    name: str
    channels: int
    height: int
    width: int

    @property
    def short(self) -> str:
        """The name relative to the backbone's stages."""
        return short_name(self.name)


def short_name(layer: str) -> str:
    """A layer's name as it is shown: without what all layers of a backbone begin with."""
    return layer.removeprefix(STAGES)


def map_layers(model: nn.Module, image: Tensor) -> dict[str, MapLayer]:
    """Every module whose outputs are all maps, by name, in the order in which they finish.

    Of a model in eval mode, for one input, float (1, 3, H, W), on the model's device.

    Raises:
        ConfigError: There is none.
    """
    layout = MapLayout.of(model)
    layers: dict[str, MapLayer] = {}
    others: set[str] = set()

    def look(name: str, output: object) -> None:
        maps = layout.as_map(output)
        layers.pop(name, None)  # a module that is used twice finishes with its last use
        if maps is None or len(maps) != len(image):
            others.add(name)
        else:
            layers[name] = MapLayer(name, *map(int, maps.shape[1:]))

    names = [name for name, _ in model.named_modules() if name]
    with gradients(), torch.no_grad(), hooked(model, names, look):
        model(fresh(image, image.device))
    if layers := {name: layer for name, layer in layers.items() if name not in others}:
        return layers
    raise ConfigError(
        "explain: no layer of this network gives a map. Grad-CAM, guided Grad-CAM, Score-CAM and "
        "feature maps need one; integrated_gradients, gradient_shap, occlusion, feature_ablation, "
        "saliency and smoothgrad explain any network."
    )


def choose_layer(
    model: nn.Module, image: Tensor, min_map: int = 6, layer: str | None = None
) -> MapLayer:
    """Choose the deepest layer whose map is at least `min_map` x `min_map`, else the largest map.

    Of tokens, only layers count on whose patch tokens the logits depend: behind the attention of
    the last block, a class token is all that is used, so the layer is the normalisation before it.

    Args:
        model: A module in eval mode.
        image: One input, float (1, 3, H, W), on the model's device.
        min_map: Smallest side of the map.
        layer: A layer's name, or its `short_name`, in place of the choice.

    Raises:
        ConfigError: There is no layer of that name, or none gives a map.
    """
    layers = map_layers(model, image)
    if layer is not None:
        return find_layer(model, layers, layer)
    blocks = finished_layers(model, layers)
    if MapLayout.of(model).tokens:
        used = _used(model, image, [each.name for each in blocks])
        blocks = [each for each in blocks if each.name in used]
    blocks = blocks or list(layers.values())
    return max(reversed(blocks), key=lambda each: min(each.height, each.width, min_map))


def finished_layers(model: nn.Module, layers: dict[str, MapLayer]) -> list[MapLayer]:
    """The layers that end a block of the network, in the order in which they finish.

    Blocks and activations count, not single convolutions. Of a block and its last part, which give
    the same map, the block is taken; of tokens, the normalisations within a block as well.
    """
    modules, inside = dict(model.named_modules()), _inside_blocks(model)
    tokens = MapLayout.of(model).tokens
    return [
        layer
        for name, layer in layers.items()
        if not isinstance(modules[name], (*UNFINISHED, *POOLS))
        and (name not in inside or (tokens and isinstance(modules[name], NORMS)))
    ]


def find_layer(model: nn.Module, layers: dict[str, MapLayer], name: str) -> MapLayer:
    """The layer with a map of a name or `short_name`.

    Raises:
        ConfigError: There is none; it names some that there are.
    """
    for candidate in (name, STAGES + name):
        if candidate in layers:
            return layers[candidate]
    known = {candidate for candidate, _ in model.named_modules()}
    what = "gives no map" if {name, STAGES + name} & known else "is not in this network"
    upper = set(sorted(layers, key=lambda one: one.count("."))[:SHOWN_NAMES])
    there = ", ".join(short_name(one) for one in layers if one in upper)
    more = f" and {len(layers) - SHOWN_NAMES} deeper ones" if len(layers) > SHOWN_NAMES else ""
    raise ConfigError(f"explain: the layer {name!r} {what}; layers with a map are: {there}{more}.")


def named_layer(model: nn.Module, layer: str) -> tuple[str, nn.Module]:
    """A layer's whole name and the layer, by its name or `short_name`, without a forward pass.

    Raises:
        ConfigError: There is no layer of that name.
    """
    for name, module in model.named_modules():
        if name and layer in (name, short_name(name)):
            return name, module
    raise ConfigError(f"explain: this network has no layer {layer}.")


def _inside_blocks(model: nn.Module) -> set[str]:
    """Modules within residual and similar blocks, small items of a Sequential: half-done work."""
    inside: set[str] = set()
    for parent_name, parent in model.named_modules():
        if type(parent) not in (nn.Sequential, nn.ModuleList):
            continue
        for name, item in parent.named_children():
            leaves = sum(1 for m in item.modules() if not any(m.children()))
            if type(item) is not nn.Sequential and leaves <= MAX_BLOCK_LEAVES:
                start = f"{parent_name}.{name}" if parent_name else name
                inside.update(f"{start}.{sub}" for sub, _ in item.named_modules() if sub)
    return inside


def _used(model: nn.Module, image: Tensor, names: Iterable[str]) -> set[str]:
    """Those of some layers on whose map the first logit depends."""
    layout = MapLayout.of(model)
    outputs: dict[str, Tensor] = {}

    def keep(name: str, output: object) -> None:
        if isinstance(output, Tensor) and output.requires_grad:
            outputs[name] = output

    with gradients(), hooked(model, names, keep):
        logits = model(fresh(image, image.device).requires_grad_())
        slopes = torch.autograd.grad(logits[0, 0], list(outputs.values()), allow_unused=True)
    maps = {name: layout.as_map(slope) for name, slope in zip(outputs, slopes, strict=True)}
    return {name for name, each in maps.items() if each is not None and bool(each.any())}
