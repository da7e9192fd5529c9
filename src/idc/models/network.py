"""A whole network: pixels in, logits out."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idc.models.backbone import Backbone

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Network(nn.Module):
    """Preprocessing, backbone and head as one module, so that none of them gets lost on the way.

    Args:
        backbone: Image to vector.
        head: Vector to logits.
        image_size: Side of the backbone's input; other sizes are resized (bilinear, antialiased).
        mean: Mean a channel, of pixels in [0, 1].
        std: Standard deviation a channel.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Module,
        image_size: int,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.image_size = image_size
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Classify.

        Args:
            images: (N, 3, H, W), uint8 in 0..255 or float in [0, 1], RGB.

        Returns:
            Logits, float (N, k).
        """
        pixels = images.float() / 255 if images.dtype == torch.uint8 else images
        if pixels.shape[-1] != self.image_size or pixels.shape[-2] != self.image_size:
            size = (self.image_size, self.image_size)
            pixels = F.interpolate(pixels, size, mode="bilinear", antialias=True)
        logits: Tensor = self.head(self.backbone((pixels - self.mean) / self.std))
        return logits
