"""Hue by way of HSV with whole degrees of two, as OpenCV's uint8 images have it.

The quantisation is part of what the CPU augmentation does to a patch: H is one of 180 values, S and
V of 256. A shift of hue in floating point would leave a patch visibly smoother.
"""

import torch
from torch import Tensor

UNIT = 4096  # 1 in OpenCV's fixed point


def shift_hue(rgb: Tensor, turns: Tensor) -> Tensor:
    """Shift the hue.

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
