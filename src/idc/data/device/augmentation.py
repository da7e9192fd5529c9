"""Augmentation of whole batches where they are, on a GPU or not.

torchvision's v2 transforms draw once a batch. kornia's draw once a sample (the order of colour
jitter once a batch), but other formulas: no H&E stains, hue without OpenCV's quantisation, no
kernel size of a sample's own. The batched forms give what the CPU path gives, from the same
configuration, and are faster than kornia's containers: see `benchmarks/augment.py`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import albumentations as A
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from idc.data.device.batched import BatchedTransform, Parameters, refuse
from idc.data.device.colour import BatchedBrightnessContrast, BatchedColorJitter, BatchedHEStain
from idc.data.device.geometry import (
    MEMBERS,
    BatchedAffine,
    BatchedCoarseDropout,
    BatchedGaussianBlur,
    BatchedSymmetry,
)
from idc.runtime.seeding import derive_seed

BATCHED: dict[type, Any] = {
    **dict.fromkeys(MEMBERS, BatchedSymmetry),
    A.Affine: BatchedAffine,
    A.RandomBrightnessContrast: BatchedBrightnessContrast,
    A.ColorJitter: BatchedColorJitter,
    A.HEStain: BatchedHEStain,
    A.GaussianBlur: BatchedGaussianBlur,
    A.CoarseDropout: BatchedCoarseDropout,
}


class Step(NamedTuple):
    """One transform of one batch."""

    transform: BatchedTransform
    chosen: Tensor | None  # int64 (m,), the samples that get it; None for all
    parameters: Tensor  # float32 (m, q)


class DeviceAugmentation:
    """The batched counterpart of `idc.data.augment.Augmentation`: equal in distribution.

    Draws are made on the host, a function of seed and key alone, and sent with the batch; which
    samples a transform applies to is known there, so only those are worked on, and nothing is
    asked of the device: no synchronisation, no boolean indexing.

    Args:
        transforms: albumentations transforms, as for the CPU.
        seed: The run's seed.

    Raises:
        ConfigError: A transform, or an option of one, has no batched form.
    """

    def __init__(self, transforms: Sequence[A.BasicTransform | A.BaseCompose], seed: int) -> None:
        for transform in transforms:
            if type(transform) not in BATCHED:
                raise refuse(transform, "has no batched form")
        self.seed = seed
        self.transforms: list[tuple[BatchedTransform, float]] = [
            (BATCHED[type(t)](t), t.p) for t in transforms
        ]
        self.uniforms = sum(1 + transform.uniforms for transform, _ in self.transforms)

    def __call__(self, images: Tensor, key: int) -> Tensor:
        """Augment a batch.

        Args:
            images: uint8 (n, 3, H, W), RGB, on any device; not changed. channels_last memory
                saves a copy.
            key: What the draws depend on, beside the seed: the batch's first sample key.

        Returns:
            uint8 (n, 3, H, W) in channels_last memory, on the same device.

        Raises:
            ConfigError: A quarter turn is among the transforms and patches are not square.
            TypeError: The images are not uint8.
        """
        if images.dtype != torch.uint8:
            raise TypeError(f"Images to augment must be uint8, not {images.dtype}.")
        n, _, height, width = images.shape
        return transform(images, self.draw(n, height, width, key, images.device))

    def draw(self, n: int, height: int, width: int, key: int, device: torch.device) -> list[Step]:
        """The steps of one batch, their parameters on the device.

        The draws of sample i do not depend on how many come after it.
        """
        u = np.random.default_rng(derive_seed(self.seed, key)).random((n, self.uniforms))
        plans: list[tuple[BatchedTransform, NDArray[np.int64], Parameters]] = []
        at = 0
        for transform, p in self.transforms:
            mine = u[:, at + 1 : at + 1 + transform.uniforms]
            chosen = np.flatnonzero(u[:, at] < p)
            at += 1 + transform.uniforms
            if len(chosen):
                plans.append((transform, chosen, transform.parameters(mine[chosen], height, width)))
        if not plans:
            return []
        all_places = _send(np.concatenate([chosen for _, chosen, _ in plans]), device)
        all_numbers = _send(np.concatenate([p.ravel() for _, _, p in plans]), device)
        places = torch.split(all_places, [len(chosen) for _, chosen, _ in plans])
        numbers = torch.split(all_numbers, [p.size for _, _, p in plans])
        return [
            Step(transform, None if len(p) == n else place, number.view(p.shape))
            for (transform, _, p), place, number in zip(plans, places, numbers, strict=True)
        ]


def transform(images: Tensor, steps: Sequence[Step]) -> Tensor:
    """Apply steps to a batch: shapes alone decide what is launched, never values.

    Args:
        images: uint8 (n, 3, H, W).
        steps: Of `DeviceAugmentation.draw` for n samples, on the same device.

    Returns:
        uint8 (n, 3, H, W) in channels_last memory.
    """
    pixels = images.permute(0, 2, 3, 1).contiguous()
    # In half precision, products of matrices would come out several grey levels wrong.
    with torch.autocast(images.device.type, enabled=False):
        for transform, chosen, parameters in steps:
            if chosen is None:
                pixels = transform.apply(pixels, parameters)
            else:
                some = transform.apply(pixels.index_select(0, chosen), parameters)
                pixels = pixels.index_copy(0, chosen, some)
    return pixels.permute(0, 3, 1, 2)


def _send(values: NDArray[Any], device: torch.device) -> Tensor:
    """To the device without waiting for it.

    Pinned blocks come from PyTorch's caching host allocator, which marks one that a copy reads
    with an event and hands it out again only when that is done: no buffer is overwritten early.
    """
    tensor = torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
