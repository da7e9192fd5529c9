"""What a backbone is: groups of layers, from the image to the vector, that freeze together."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from idc.errors import ConfigError, first_line

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
# How networks refuse an input that does not fit: in their layers, or by their own checks.
REFUSALS = (RuntimeError, AssertionError, ValueError, TypeError, IndexError)


class Backbone(nn.Module):
    """Turn an image into a vector.

    Attributes:
        stages: The layers; names of layers in the configuration are relative to it.
        num_features: Width of the vector, measured.
        mean: Of pixels in [0, 1], per channel, as the weights expect it.
        std: Standard deviation per channel, likewise.
        stage_ends: Layers whose outputs are the last maps of each resolution or depth, relative to
            `stages`; empty where the network does not say.
        prefix_tokens: Tokens before those of the patch grid (class and register tokens).
        channels_last: Whether maps are (N, h, w, C) instead of (N, C, h, w).
        gives_tokens: Whether layers may give tokens, (N, tokens, C), in the order of the grid.
    """

    stages: nn.Module
    num_features: int
    mean: Sequence[float] = IMAGENET_MEAN
    std: Sequence[float] = IMAGENET_STD
    stage_ends: tuple[str, ...] = ()
    prefix_tokens: int = 0
    channels_last: bool = False
    gives_tokens: bool = False

    def forward(self, images: Tensor) -> Tensor:
        """Images, normalised float (N, 3, H, W), to features, float (N, num_features)."""
        raise NotImplementedError

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Parameters by group, from the image to the vector: what freezes and decays as one."""
        raise NotImplementedError

    def without_weight_decay(self) -> Sequence[nn.Parameter]:
        """Parameters that the architecture exempts from weight decay, beside biases and norms."""
        return ()

    def measure(self, image_size: int) -> None:
        """Set `num_features` by a pass of one empty image of H = W = `image_size` pixels.

        Raises:
            ConfigError: The network cannot take an image of this size.
        """
        was = self.training
        self.eval()
        try:
            with torch.no_grad():
                self.num_features = int(self(torch.zeros(1, 3, image_size, image_size)).shape[1])
        except REFUSALS as error:
            raise ConfigError(
                f"data.image_size={image_size}: this backbone cannot take it; most often the maps "
                f"shrink to nothing ({first_line(error)}). Use a larger image size."
            ) from error
        finally:
            self.train(was)


class StagedBackbone(Backbone):
    """Stages in order, then pooling to a vector.

    Args:
        stages: Name to module, in order; together they map (N, 3, H, W) to (N, C, h, w).
        image_size: Side H = W of the network's input in pixels; fixes `num_features`.
        pool: Maps (N, C, h, w) to (N, C, 1, 1) or to anything that flattens to `num_features`.
    """

    def __init__(
        self, stages: "OrderedDict[str, nn.Module]", image_size: int, pool: nn.Module
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential(stages)
        self.pool = pool
        self.measure(image_size)

    def forward(self, images: Tensor) -> Tensor:
        """Images, normalised float (N, 3, H, W), to features, float (N, num_features)."""
        pooled: Tensor = self.pool(self.stages(images))
        return torch.flatten(pooled, 1)

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by stage."""
        return {name: list(stage.parameters()) for name, stage in self.stages.named_children()}


class Freezing:
    """Which groups of a backbone learn.

    Frozen layers get no gradient and stay in eval mode: BatchNorm's statistics are part of what
    was learnt elsewhere.

    Args:
        backbone: The backbone; its parameters' ``requires_grad`` are set.
        freeze: ``none``, ``all``, or a group's name: that group and all before it are frozen. Or a
            number: so many of the first `layers` are frozen, and each is a group of its own.

    Raises:
        ConfigError: There is no such group, or there are fewer layers.
    """

    def __init__(self, backbone: Backbone, freeze: str | int) -> None:
        self.backbone = backbone
        named = backbone.groups()
        self._groups: list[Sequence[nn.Parameter]] = list(named.values())
        if isinstance(freeze, int):
            self._groups = layers(backbone)
            if freeze > len(self._groups):
                raise ConfigError(
                    f"backbone.freeze={freeze}: this backbone has {len(self._groups)} layers, the "
                    f"input counted as one; give 1..{len(self._groups)}, or a stage: "
                    f"{', '.join(named)}."
                )
            self.frozen = freeze
        elif freeze not in ("none", "all", *named):
            raise ConfigError(
                f"backbone.freeze={freeze}: choose none, all, a number of layers or a stage of "
                f"this backbone: {', '.join(named)}."
            )
        else:
            counts = {"none": 0, "all": len(named)}
            self.frozen = counts[freeze] if freeze in counts else list(named).index(freeze) + 1
        self.apply()

    def apply(self, frozen: int | None = None) -> None:
        """Freeze the first `frozen` groups (as many as now if None) and free the rest."""
        if frozen is not None:
            self.frozen = max(0, frozen)
        for number, parameters in enumerate(self._groups):
            for parameter in parameters:
                parameter.requires_grad_(number >= self.frozen)
        self.hold_eval()

    def hold_eval(self) -> None:
        """Put the frozen layers back into eval mode; to be called after each ``train()``."""
        groups = self._groups[: self.frozen]
        frozen = {id(parameter) for parameters in groups for parameter in parameters}
        for module in self.backbone.modules():
            own = [id(parameter) for parameter in module.parameters()]
            if own and frozen.issuperset(own):
                module.eval()


def layers(backbone: Backbone) -> list[Sequence[nn.Parameter]]:
    """Parameters by layer, counted as Keras counts those of a VGG.

    The input is the first layer; each convolution, dense layer, normalisation and pooling is one,
    in the order in which the network defines them, and an activation belongs to the layer before
    it. The input and poolings have no parameters.
    """
    modules = backbone.stages.modules()
    own = [(module, list(module.parameters(recurse=False))) for module in modules]
    return [[], *(parameters for one, parameters in own if parameters or isinstance(one, POOLS))]


def set_batch_norm_momentum(module: nn.Module, momentum: float) -> None:
    """Set how fast BatchNorm's running statistics follow the batches.

    torchvision gives MobileNetV3 a momentum of 0.01: after an epoch of a small set its statistics
    are still mostly their start values, and validation is at chance while training goes well.
    """
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.momentum = momentum
