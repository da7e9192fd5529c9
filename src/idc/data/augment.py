"""Augmentation of patches on the CPU, by albumentations, reproducible whatever the workers.

albumentations 2.0.8 gives the workers of a DataLoader the same draws, and every epoch the same
again. Here the draws of a batch are a function of the run's seed and of the batch's first key
(which holds the epoch, see `idc.data.sampler`) alone: they differ between samples, batches, epochs
and ranks, and are the same with no worker or with many.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it looks for updates at import

import albumentations as A
import numpy as np
from numpy.typing import NDArray

from idc.runtime.seeding import derive_seed


class Augmentation:
    """A pipeline of albumentations, drawn afresh for every sample.

    Args:
        transforms: albumentations transforms, applied in order; they must keep the patch's size.
        seed: The run's seed.
    """

    def __init__(self, transforms: Sequence[A.BasicTransform | A.BaseCompose], seed: int) -> None:
        self.pipeline = A.Compose(list(transforms))
        self.seed = seed

    def __call__(
        self, patches: NDArray[np.uint8], key: int, out: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """Augment a batch.

        Args:
            patches: uint8 (n, H, W, 3).
            key: What the draws depend on, beside the seed: the batch's first sample key.
            out: Where to put the result, uint8 (n, H, W, 3); None makes a new array.

        Returns:
            uint8 (n, H, W, 3).
        """
        self.pipeline.set_random_seed(derive_seed(self.seed, key))
        out = np.empty_like(patches) if out is None else out
        for i, patch in enumerate(patches):
            out[i] = self.pipeline(image=patch)["image"]
        return out
