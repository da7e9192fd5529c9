"""A whole network: pixels in, logits out."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idc.models.backbone import Backbone


class Network(nn.Module):
    """Preprocessing, backbone and head as one module, stored and exported together.

    Args:
        backbone: Image to vector.
        head: Vector to logits.
        image_size: Side of the backbone's input; other sizes are resized (bilinear, antialiased).
        mean: Per channel, of pixels in [0, 1]; None takes the one that the backbone expects.
        std: Standard deviation per channel, likewise.
        multi_label: Whether an image may be of several classes, or of none.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Module,
        image_size: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        multi_label: bool = False,
    ) -> None:
        super().__init__()
        self.multi_label = multi_label
        self.backbone = backbone
        self.head = head
        self.image_size = image_size
        for name, values in (("mean", mean), ("std", std)):
            values = getattr(backbone, name) if values is None else values
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Classify.

        Args:
            images: (N, 3, H, W), uint8 in 0..255 or float in [0, 1], RGB.

        Returns:
            Logits, float (N, k).
        """
        return self.logits_and_features(images)[0]

    def logits_and_features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, float (N, k), and the backbone's features, float (N, num_features)."""
        pixels = images.float() / 255 if images.dtype == torch.uint8 else images
        if pixels.shape[-1] != self.image_size or pixels.shape[-2] != self.image_size:
            size = (self.image_size, self.image_size)
            pixels = F.interpolate(pixels, size, mode="bilinear", antialias=True)
        features: Tensor = self.backbone((pixels - self.mean) / self.std)
        return self.head(features), features

    def probabilities(self, logits: Tensor) -> Tensor:
        """The probability of each class: of the softmax, or each by itself where several may be.

        Args:
            logits: (..., k).

        Returns:
            The same shape.
        """
        return logits.sigmoid() if self.multi_label else logits.softmax(-1)
