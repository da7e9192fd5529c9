"""Any model of timm as a backbone: pooled, grouped and exempted from decay as the model says."""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from idc.errors import CheckpointError, ConfigError, first_line
from idc.models.backbone import REFUSALS, Backbone
from idc.models.weights import load_file

SIDES = (16, 32)  # what image sizes are tried as multiples of, beside the patch size


class TimmBackbone(Backbone):
    """A model of timm without its classifier.

    Args:
        net: From ``timm.create_model(..., num_classes=0)``.
        image_size: Side H = W of the input in pixels.

    Raises:
        ConfigError: The model cannot take images of this size, or would ignore part of them.
    """

    def __init__(self, net: Any, image_size: int) -> None:
        super().__init__()
        self.stages = net
        self.stage_ends = tuple(str(each["module"]) for each in getattr(net, "feature_info", ()))
        self.prefix_tokens = int(getattr(net, "num_prefix_tokens", 0))
        self.channels_last = getattr(net, "output_fmt", "NCHW") == "NHWC"
        # Hiera orders its tokens by mask unit: they make no grid.
        self.gives_tokens = not hasattr(net, "unroll")
        self._groups = _group_names(net)
        self._measure_whole(image_size)

    def forward(self, images: Tensor) -> Tensor:
        """Images, normalised float (N, 3, H, W), to features, float (N, num_features)."""
        net: Any = self.stages
        pooled: Tensor = net.forward_head(net.forward_features(images), pre_logits=True)
        return torch.flatten(pooled, 1)

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by the model's own layer groups (coarse), such as ``stem``, ``blocks.0``."""
        return {
            group: [self.stages.get_parameter(name) for name in names]
            for group, names in self._groups.items()
        }

    def without_weight_decay(self) -> list[nn.Parameter]:
        """What the model's ``no_weight_decay`` names, such as position embeddings."""
        exempt: Callable[[], Iterable[str]] = getattr(self.stages, "no_weight_decay", tuple)
        named, patterns = self.stages.named_parameters(), list(exempt())
        return [p for name, p in named if any(fnmatch(name, pattern) for pattern in patterns)]

    def _measure_whole(self, image_size: int) -> None:
        """Measure, and refuse a size of which a patch embedding would cut off a margin."""
        cut: list[int] = []

        def look(module: Any, inputs: tuple[Tensor, ...]) -> None:
            sides = module.patch_size if isinstance(module.patch_size, Sequence) else (16, 16)
            if any(n % side for n, side in zip(inputs[0].shape[-2:], sides, strict=True)):
                cut.append(int(sides[0]))

        embeddings = [
            module
            for module in self.stages.modules()
            if type(module).__name__.startswith("PatchEmbed") and hasattr(module, "patch_size")
        ]
        handles = [module.register_forward_pre_hook(look) for module in embeddings]
        try:
            self.measure(image_size)
        finally:
            for handle in handles:
                handle.remove()
        if cut:
            raise ConfigError(
                f"data.image_size={image_size} is not a multiple of the patches of {cut[0]} pixels"
            )


def build(model: str, image_size: int, weights: str | None = None) -> TimmBackbone:
    """Build a model of timm by its name.

    Args:
        model: timm's name, such as ``vit_tiny_patch16_224``, ``convnext_tiny`` or ``resnet26d``.
        image_size: Side of the input in pixels; handed on as ``img_size`` where the model takes it.
        weights: None, ``imagenet`` (timm's default pretrained weights, downloaded) or a file.

    Raises:
        ConfigError: timm is missing, has no such model, or the model cannot take this image size;
            sizes near it that it can take are named.
        CheckpointError: The weights cannot be had or do not fit.
    """
    try:
        library = import_module("timm")
    except ImportError as error:
        raise ConfigError(
            "backbone=timm needs the package timm: install idc with its extra, idc[timm]."
        ) from error
    if not library.is_model(model):
        near = ", ".join(library.list_models(f"*{model.split('_')[0]}*")[:6])
        near = near or "see timm.list_models()"
        raise ConfigError(f"backbone.model={model}: timm has no such model; near: {near}.")
    try:
        backbone = _create(library, model, image_size)
    except (ConfigError, *REFUSALS) as error:
        sizes = _fitting_sizes(library, model, image_size)
        raise ConfigError(
            f"data.image_size={image_size}: timm's {model} cannot take images of this size whole "
            f"({first_line(error.__cause__ or error)}). Set data.image_size to "
            f"{' or '.join(map(str, sizes)) or 'the size in its name'}; patches are resized to it."
        ) from error
    net: Any = backbone.stages
    if weights == "imagenet":
        _load_pretrained(library, net, model)
    elif weights is not None:
        load_file(net, Path(weights), _classifiers(net), _adapter(library, model))
    if weights is not None:
        backbone.mean, backbone.std = net.pretrained_cfg["mean"], net.pretrained_cfg["std"]
    return backbone


def _create(library: Any, model: str, image_size: int) -> TimmBackbone:
    try:
        net = library.create_model(model, num_classes=0, img_size=image_size)
    except TypeError as error:
        if "img_size" not in str(error):
            raise
        net = library.create_model(model, num_classes=0)
    return TimmBackbone(net, image_size)


def _fitting_sizes(library: Any, model: str, image_size: int) -> list[int]:
    """The nearest image sizes below and above, of some that are usual, that the model can take."""
    with torch.device("meta"):  # shapes alone
        own = library.create_model(model, num_classes=0)
        sides = [*SIDES, *(m.patch_size for m in own.modules() if hasattr(m, "patch_size"))]
        sides = [int(side if isinstance(side, int) else side[0]) for side in sides[:3]]
        below = {image_size // side * side for side in sides} - {0, image_size}
        above = {-(-image_size // side) * side for side in sides} - {image_size}
        above |= {2 * size for size in above} | {int(own.pretrained_cfg["input_size"][-1])}
        fitting = []
        for candidates in (sorted(below, reverse=True), sorted(above)):
            fitting += [size for size in candidates if _takes(library, model, size)][:1]
    return fitting


def _takes(library: Any, model: str, image_size: int) -> bool:
    try:
        _create(library, model, image_size)
    except (ConfigError, *REFUSALS):
        return False
    return True


def _group_names(net: Any) -> dict[str, list[str]]:
    """Names of parameters by what the model's pattern matches in the first, or by its children."""
    groups: dict[str, list[str]] = {}
    if not hasattr(net, "group_matcher"):
        for name, _ in net.named_parameters():
            groups.setdefault(name.partition(".")[0] if "." in name else "stem", []).append(name)
        return groups
    try:
        matcher = net.group_matcher(coarse=True)
    except AssertionError:  # a few models have fine groups only
        matcher = net.group_matcher(coarse=False)
    layers = import_module("timm.models").group_parameters(net, matcher)
    for number, names in layers.items():
        group = _matched(matcher, names[0]) if number else "stem"
        groups.setdefault(group, []).extend(names)
    return groups


def _matched(matcher: Any, name: str) -> str:
    for patterns in matcher.values() if isinstance(matcher, dict) else ():
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            match = re.match(pattern if isinstance(pattern, str) else pattern[0], name)
            if match:
                return match[0].strip(".")
    return name.rpartition(".")[0] or name


def _classifiers(net: Any) -> tuple[str, ...]:
    """Prefixes of the classifier's keys, which a file may hold and the backbone has no use for."""
    named = net.pretrained_cfg.get("classifier") or ()
    return tuple(f"{name}." for name in ([named] if isinstance(named, str) else named))


def _adapter(library: Any, model: str) -> Callable[..., Any] | None:
    """The model's own conversion of stored weights: older names, position embeddings' size."""
    module = sys.modules[library.model_entrypoint(model).__module__]
    adapter: Callable[..., Any] | None = getattr(module, "checkpoint_filter_fn", None)
    return adapter


def _load_pretrained(library: Any, net: Any, model: str) -> None:
    try:
        library.models.load_pretrained(net, num_classes=0, filter_fn=_adapter(library, model))
    except Exception as error:
        # The hub, the network and the files each raise errors of their own.
        hub = net.pretrained_cfg.get("hf_hub_id")
        source = f"https://huggingface.co/{hub}" if hub else net.pretrained_cfg.get("url")
        raise CheckpointError(
            f"backbone.weights=imagenet: the weights of timm's {model} could not be had "
            f"({first_line(error)}). Without a network, get them from {source} on another machine "
            f"and give the file as backbone.weights=FILE."
        ) from error
