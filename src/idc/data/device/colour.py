"""Brightness, contrast, saturation, hue, and the stains haematoxylin and eosin.

albumentations works on uint8 by lookup tables, which cut the fraction off (half a grey level darker
on average) except for saturation, which rounds; the batched forms do the same.
"""

import albumentations as A
import numpy as np
import torch
from albumentations.augmentations.pixel.functional import STAIN_MATRICES
from torch import Tensor

from idc.data.device.batched import (
    BatchedTransform,
    Parameters,
    Uniforms,
    between,
    column,
    integer_between,
    refuse,
)

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in cv2.cvtColor
UNIT = 4096  # 1 in OpenCV's fixed point
TISSUE = 0.85 * 255  # brighter is glass
REGULARIZATION = 1e-6
DARKEST = 255e-6  # in place of zero, whose logarithm is infinite


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
        formulas = np.zeros((n, 3, 4))
        formulas[:, :, 0] = np.stack([b, c, s], 1)
        formulas[:, 1, 2], formulas[:, 2, 1], formulas[:, 2, 3] = 1 - c, 1 - s, 0.5
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
                x = _shift_hue(x, parameters[:, 24, None, None])
            a, g, m, r = (column(parameters, 4 * slot + i) for i in range(4))
            gray = luma(x).round_()
            shift = torch.addcmul(r, gray.mean((2, 3), keepdim=True), m)
            x = torch.addcmul(torch.addcmul(shift, gray, g), x, a).clamp_(0, 255).floor_()
        return to_pixels(x)


def _shift_hue(rgb: Tensor, turns: Tensor) -> Tensor:
    """Shift the hue by way of HSV in whole numbers, as OpenCV's uint8 images have it.

    The quantisation is part of what the CPU augmentation does to a patch: H is one of 180 values,
    S and V of 256. A shift of hue in floating point would leave a patch visibly smoother.

    Args:
        rgb: float32 (n, 3, H, W), whole numbers in 0..255.
        turns: float32 (n, 1, 1), in parts of the circle.

    Returns:
        Like `rgb`.
    """
    hue, saturation, value = _to_hsv(rgb)
    # albumentations' lookup table cuts the fraction off here.
    hue = torch.remainder(hue + 180 * turns, 180).floor_()
    return _to_rgb(hue, saturation, value)


def _to_hsv(rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue (of 180, not yet wrapped), saturation and value (of 255), float32 (n, H, W) each."""
    red, green, blue = rgb.unbind(1)
    value = rgb.amax(1)
    spread = value - rgb.amin(1)
    from_green = torch.where(value == green, blue - red + 2 * spread, red - green + 4 * spread)
    sextant = torch.where(value == red, green - blue, from_green)
    # OpenCV's fixed point with its tables of 2^12 / x: many quotients are ties, which the
    # tables' error settles. All are whole numbers below 2^24, so float32 has them exactly.
    hue = sextant * (30 * UNIT / spread.clamp(min=1)).round_()
    saturation = spread * (255 * UNIT / value.clamp(min=1)).round_()
    return _shift_down(hue), _shift_down(saturation), value


def _shift_down(x: Tensor) -> Tensor:
    """From fixed point to the nearest whole number, in place."""
    return x.add_(UNIT / 2).mul_(1 / UNIT).floor_()


def _to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Smith (1978), in the branch-free form ``f(k) = v - v s max(0, min(k, 4 - k, 1))``.

    Rounded. OpenCV rounds too, but in the columns that its vector code does, which depend on the
    machine, it cuts the fraction off: there the CPU path is a third of a grey level darker.
    """
    # Made on the device: a constant from the host would be a copy that waits.
    phase = 5 - 2 * torch.arange(3, device=hue.device).view(3, 1, 1)
    k = (hue / 30).unsqueeze(1) + phase
    k = torch.where(k < 6, k, k - 6)
    ramp = torch.minimum(k, 4 - k).clamp_(0, 1)
    depth = (value * saturation / 255).unsqueeze(1)
    return (value.unsqueeze(1) - depth * ramp).round_()


class BatchedHEStain(BatchedTransform):
    """HEStain with preset stain matrices (Ruifrok & Johnston 2001, Macenko et al. 2009, ...).

    To separate the stains by least squares, to change them and to mix them again are linear in
    optical density: one 3x3 matrix and one offset a patch.
    """

    uniforms = 5

    def __init__(self, transform: A.HEStain) -> None:
        if transform.method not in ("preset", "random_preset"):
            raise refuse(transform, f"with method={transform.method} has no batched form")
        names = [transform.preset] if transform.method == "preset" else transform.preset_names
        self.stains = np.stack([STAIN_MATRICES[name] for name in names])
        self.transform = transform

    def parameters(self, u: Uniforms, height: int, width: int) -> Parameters:
        """Matrix and offset of the change, matrix of no change: 9 + 3 + 9 numbers."""
        how = self.transform
        stains = self.stains[integer_between(u[:, 0], 0, len(self.stains) - 1)]
        turned = stains.transpose(0, 2, 1)
        separate = turned @ np.linalg.inv(stains @ turned + REGULARIZATION * np.eye(2))
        scale = between(u[:, 1:3], how.intensity_scale_range)
        shift = between(u[:, 3:5], how.intensity_shift_range)
        # Turned about: they are to stand to the left of (3, pixels).
        change = ((separate * scale[:, None]) @ stains).transpose(0, 2, 1)
        keep = (separate @ stains).transpose(0, 2, 1)
        parts = [change, shift[:, None] @ stains, keep]
        return np.concatenate([p.reshape(len(u), -1) for p in parts], 1).astype(np.float32)

    def apply(self, pixels: Tensor, parameters: Tensor) -> Tensor:
        """Change the stains, of all pixels or of tissue alone."""
        x = to_planes(pixels)
        density = -(x.clamp(min=DARKEST) / 255).log_().flatten(2)
        change, keep = parameters[:, :9].view(-1, 3, 3), parameters[:, 12:].view(-1, 3, 3)
        out = torch.baddbmm(parameters[:, 9:12, None], change, density)
        if not self.transform.augment_background:
            tissue = luma(x).flatten(2) < TISSUE
            out = torch.where(tissue, out, torch.bmm(keep, density))
        return to_pixels((255 * out.neg_().exp_()).round_().clamp_(0, 255).view_as(x))
