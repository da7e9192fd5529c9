"""The model, the patches and the plan that all measures share."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.methods import Method
from idc.attribution.methods.base import in_rows
from idc.attribution.prepare import fresh


@dataclass(frozen=True, eq=False)
class Probe:
    """A model and patches to measure on; to be used within `idc.attribution.prepare.gradients`.

    Attributes:
        model: Images to logits (N, k); a copy in eval mode.
        images: float (N, 3, H, W) in [0, 1], on the model's device.
        targets: int64 (N,), the class that is explained.
        plan: How it is measured.
        batch_size: Images that maps are made of at once.
    """

    model: nn.Module
    images: Tensor
    targets: Tensor
    plan: FaithfulnessPlan
    batch_size: int

    def parts(self, rows: int) -> Iterator[slice]:
        """Batches of a pass that keeps nothing for gradients."""
        size = 4 * self.batch_size
        return (slice(start, start + size) for start in range(0, rows, size))

    def logits(self, rows: Tensor, targets: Tensor, softmax: bool = False) -> Tensor:
        """Images (n, 3, H, W) and classes (n,) to the classes' logits (n,)."""
        with torch.no_grad():
            values: Tensor = self.model(rows)
        if softmax:
            several = getattr(self.model, "multi_label", False)
            values = values.sigmoid() if several else values.softmax(1)
        return values.gather(1, targets[:, None])[:, 0]

    def probability(self, rows: Tensor, targets: Tensor) -> Tensor:
        """Images (n, 3, H, W) and classes (n,) to the classes' probabilities (n,)."""
        return self.logits(rows, targets, softmax=True)

    def maps(
        self, method: Method, images: Tensor | None = None, targets: Tensor | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Maps of the patches, or of other images, and their errors of completeness.

        Returns:
            float32 (n, H, W), and float64 (n,), NaN where the method promises no completeness.
        """
        images = self.images if images is None else images
        targets = self.targets if targets is None else targets
        batches = in_rows(images, targets, self.batch_size)
        parts = [method(self.model, fresh(part, part.device), of) for part, of in batches]
        errors = [
            np.full(len(part.maps), np.nan) if part.error is None else np.abs(part.error)
            for part in parts
        ]
        return np.concatenate([part.maps for part in parts]), np.concatenate(errors)
