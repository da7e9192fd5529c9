"""Brightness, contrast, saturation and hue.

albumentations works on uint8 by lookup tables, which cut the fraction off (half a grey level darker
on average) except for saturation, which rounds; the batched forms do the same.
"""

import albumentations as A
import numpy as np
import torch
from torch import Tensor

from idc.data.device.batched import BatchedTransform, Parameters, Uniforms, between, column, refuse
from idc.data.device.hue import shift_hue

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in cv2.cvtColor


def luma(x: Tensor) -> Tensor:
    """Brightness as seen, float32 (n, 1, H, W), of RGB (n, 3, H, W)."""
    # Weights as a tensor would have to be copied to the device, which waits.
    return x[:, :1].mul(LUMA[0]).add_(x[:, 1:2], alpha=LUMA[1]).add_(x[:, 2:], alpha=LUMA[2])


def to_planes(pixels: Tensor) -> Tensor:
    """Float32 (n, 3, H, W) of uint8 (n, H, W, 3), a plane a channel: formulas mix the channels."""
    planes = pixels.permute(0, 3, 1, 2)
    return planes.to(torch.float32, memory_format=torch.contiguous_format)


def to_pixels(planes: Tensor) -> Tensor:
    """Back to uint8 (n, H, W, 3); fractions are cut off."""
    return planes.to(torch.uint8).permute(0, 2, 3, 1).contiguous()


class BatchedBrightnessContrast(BatchedTransform):
    """RandomBrightnessContrast: ``alpha * x + beta``, beta in parts of 255 or of the mean."""

    uniforms = 2

    def __init__(self, transform: A.RandomBrightnessContrast) -> None:
        if transform.ensure_safe_range:
            raise refuse(transform, "with ensure_safe_range has no batched form")
        self.transform = transform

    def parameters(self, u: Uniforms, height: int, width: int) -> Parameters:
        """Alpha, and beta as a share."""
        alpha = 1 + between(u[:, 0], self.transform.contrast_limit)
        beta = between(u[:, 1], self.transform.brightness_limit)
        return np.stack([alpha, beta], 1).astype(np.float32)

    def apply(self, pixels: Tensor, parameters: Tensor) -> Tensor:
        """Scale and shift."""
        x = pixels.float()
        alpha, beta = column(parameters, 0), column(parameters, 1)
        unit = 255.0 if self.transform.brightness_by_max else x.mean((1, 2, 3), keepdim=True)
        return (x * alpha + beta * unit).clamp_(0, 255).to(torch.uint8)


class BatchedColorJitter(BatchedTransform):
    """ColorJitter: brightness, contrast, saturation and hue, in an order of each patch's own.

    The first three are one formula, ``a x + g gray + m mean(gray) + r``: r = 1/2 makes the final
    cut a rounding. A patch's three run in slots before or after the one pass of hue; the slots that
    it does not use are the identity.
    """

    uniforms = 8

    def __init__(self, transform: A.ColorJitter) -> None:
        self.ranges = [transform.brightness, transform.contrast, transform.saturation]
        self.hue = transform.hue
        # At exactly zero albumentations leaves out the way to HSV and back, which rounds.
        self.shifts_hue = transform.hue != (0, 0)

    def parameters(self, u: Uniforms, height: int, width: int) -> Parameters:
        """Six slots of (a, g, m, r), then the shift of hue in turns: 25 numbers."""
        n = len(u)
        order = u[:, 4:].argsort(1)
        hue_place = (order == 3).argmax(1)
        slots = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (n, 6, 1))
        b, c, s = (between(u[:, i], r) for i, r in enumerate(self.ranges))
        zero = np.zeros(n)
        formulas = np.stack(
            [
                np.stack([b, zero, zero, zero], 1),
                np.stack([c, zero, 1 - c, zero], 1),
                np.stack([s, 1 - s, zero, zero + 0.5], 1),
            ],
            1,
        )
        for kind in range(3):
            place = (order == kind).argmax(1)
            slot = np.where(place < hue_place, place, 2 + place - hue_place)
            slots[np.arange(n), slot] = formulas[:, kind]
        hue = between(u[:, 3], self.hue)
        return np.concatenate([slots.reshape(n, 24), hue[:, None]], 1).astype(np.float32)

    def apply(self, pixels: Tensor, parameters: Tensor) -> Tensor:
        """Three slots, hue, three slots."""
        x = to_planes(pixels)
        for slot in range(6):
            if slot == 3 and self.shifts_hue:
                x = shift_hue(x, parameters[:, 24, None, None])
            a, g, m, r = (column(parameters, 4 * slot + i) for i in range(4))
            gray = luma(x).round_()
            shift = torch.addcmul(r, gray.mean((2, 3), keepdim=True), m)
            x = torch.addcmul(torch.addcmul(shift, gray, g), x, a).clamp_(0, 255).floor_()
        return to_pixels(x)
