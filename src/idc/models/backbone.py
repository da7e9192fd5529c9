"""What a backbone is: named stages that turn an image into a vector."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from idc.errors import ConfigError


class Backbone(nn.Module):
    """Stages in order, then pooling to a vector.

    The stages' names serve freezing and the choice of a layer to explain.

    Args:
        stages: Name to module, in order; together they map (N, 3, H, W) to (N, C, h, w).
        image_size: Side H = W of the network's input in pixels; fixes `num_features`.
        pool: Maps (N, C, h, w) to (N, C, 1, 1) or to anything that flattens to `num_features`.

    Attributes:
        num_features: Length of the vector a patch is turned into.
    """

    def __init__(
        self, stages: "OrderedDict[str, nn.Module]", image_size: int, pool: nn.Module
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential(stages)
        self.pool = pool
        self.num_features = self._measure(image_size)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages, from the image to the vector."""
        return tuple(name for name, _ in self.stages.named_children())

    def forward(self, images: Tensor) -> Tensor:
        """Images, normalised float (N, 3, H, W), to features, float (N, num_features)."""
        pooled: Tensor = self.pool(self.stages(images))
        return torch.flatten(pooled, 1)

    def _measure(self, image_size: int) -> int:
        was = self.training
        self.eval()
        try:
            with torch.no_grad():
                return int(self(torch.zeros(1, 3, image_size, image_size)).shape[1])
        except RuntimeError as error:
            raise ConfigError(
                f"data.image_size={image_size}: too small for this backbone, whose maps shrink to "
                f"nothing ({error}). Use a larger image size."
            ) from error
        finally:
            self.train(was)


class Freezing:
    """Which stages of a backbone learn.

    Frozen stages get no gradient and their BatchNorm stays in eval mode: its statistics are part
    of what was learnt elsewhere.

    Args:
        backbone: The backbone; its parameters' ``requires_grad`` are set.
        freeze: ``none``, ``all``, or a stage's name: that stage and all before it are frozen.

    Raises:
        ConfigError: No such stage.
    """

    def __init__(self, backbone: Backbone, freeze: str) -> None:
        self.backbone = backbone
        names = backbone.stage_names
        if freeze not in ("none", "all", *names):
            raise ConfigError(
                f"backbone.freeze={freeze}: choose none, all or a stage of this backbone: "
                f"{', '.join(names)}."
            )
        counts = {"none": 0, "all": len(names)}
        self.frozen = counts[freeze] if freeze in counts else names.index(freeze) + 1
        self.apply()

    def apply(self, frozen: int | None = None) -> None:
        """Freeze the first `frozen` stages (as many as now if None) and free the rest."""
        if frozen is not None:
            self.frozen = max(0, frozen)
        for number, stage in enumerate(self.backbone.stages.children()):
            stage.requires_grad_(number >= self.frozen)
        self.hold_batch_norm()

    def hold_batch_norm(self) -> None:
        """Put the frozen stages back into eval mode; to be called after each ``train()``."""
        for number, stage in enumerate(self.backbone.stages.children()):
            if number < self.frozen:
                stage.eval()


def set_batch_norm_momentum(module: nn.Module, momentum: float) -> None:
    """Set how fast BatchNorm's running statistics follow the batches.

    torchvision gives MobileNetV3 a momentum of 0.01: after an epoch of a small set its statistics
    are still mostly their start values, and validation is at chance while training goes well.
    """
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.momentum = momentum
