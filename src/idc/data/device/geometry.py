"""Symmetries of the square and affine maps."""

import albumentations as A
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from idc.data.device.batched import (
    BatchedTransform,
    Parameters,
    Uniforms,
    between,
    integer_between,
    refuse,
)
from idc.data.device.colour import to_pixels, to_planes
from idc.errors import ConfigError

# A symmetry of the square: transposed or not, then mirrored left to right, top to bottom.
MEMBERS = {
    A.D4: [(t, h, v) for t in (0, 1) for h in (0, 1) for v in (0, 1)],
    A.HorizontalFlip: [(0, 1, 0)],
    A.VerticalFlip: [(0, 0, 1)],
    A.RandomRotate90: [(0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 0)],
}
# cv2's borders as grid_sample knows them; reflection about pixels' centres is REFLECT_101.
PADDING = {
    cv2.BORDER_CONSTANT: "zeros",
    cv2.BORDER_REPLICATE: "border",
    cv2.BORDER_REFLECT_101: "reflection",
}


class BatchedSymmetry(BatchedTransform):
    """D4, RandomRotate90, HorizontalFlip and VerticalFlip: one of a list of symmetries, evenly."""

    uniforms = 1

    def __init__(self, transform: A.DualTransform) -> None:
        self.name = type(transform).__name__
        self.members = np.array(MEMBERS[type(transform)], np.float32)
        self.turns = bool(self.members[:, 0].any())

    def parameters(self, u: Uniforms, height: int, width: int) -> Parameters:
        """Where pixels come from: offsets of the rows, then of the columns, that add up.

        Raises:
            ConfigError: The patches are not square and a quarter turn is among the symmetries.
        """
        if self.turns and height != width:
            raise ConfigError(f"{self.name} needs square patches, not {height}x{width}.")
        member = self.members[integer_between(u[:, 0], 0, len(self.members) - 1)]
        transposed, left_right, top_bottom = (member[:, [i]] > 0 for i in range(3))
        y, x = np.arange(height), np.arange(width)
        rows = np.where(top_bottom, y[::-1], y) * np.where(transposed, 1, width)
        columns = np.where(left_right, x[::-1], x) * np.where(transposed, width, 1)
        return np.concatenate([rows, columns], 1).astype(np.float32)

    def apply(self, pixels: Tensor, parameters: Tensor) -> Tensor:
        """Fetch every pixel from its place."""
        n, height, width, channels = pixels.shape
        start = torch.arange(n, device=pixels.device)[:, None] * (height * width)
        rows = parameters[:, :height].long() + start
        columns = parameters[:, height:].long()
        source = (rows[:, :, None] + columns[:, None, :]).flatten()
        return pixels.reshape(-1, channels).index_select(0, source).view_as(pixels)


class BatchedAffine(BatchedTransform):
    """Affine: scale, rotate, shear and shift about the centre, bilinear.

    OpenCV before 5 rounds coordinates to 1/32 pixel; here, as in 5, they are exact.
    """

    uniforms = 7

    def __init__(self, transform: A.Affine) -> None:
        if transform.border_mode not in PADDING:
            raise refuse(transform, f"with border_mode={transform.border_mode} has no batched form")
        if transform.interpolation != cv2.INTER_LINEAR:
            raise refuse(
                transform, f"with interpolation={transform.interpolation} has no batched form"
            )
        if transform.fit_output or transform.balanced_scale:
            raise refuse(transform, "with fit_output or balanced_scale has no batched form")
        self.transform = transform
        self.padding = PADDING[transform.border_mode]
        self.fill = np.broadcast_to(np.asarray(transform.fill, np.float32), (3,))
        # Padding is with zeros alone: a fill is moved to zero and back.
        self.fills = self.padding == "zeros" and bool(self.fill.any())

    def parameters(self, u: Uniforms, height: int, width: int) -> Parameters:
        """The inverse map in `grid_sample`'s coordinates, then the fill: 6 + 3 numbers."""
        how = self.transform
        x, y = self._shift(u[:, :2], width, height)
        shear_x, shear_y = (
            np.tan(np.deg2rad(-between(u[:, 2 + i], how.shear[axis])))
            for i, axis in enumerate("xy")
        )
        scale_x = between(u[:, 4], how.scale["x"])
        scale_y = scale_x if how.keep_ratio else between(u[:, 5], how.scale["y"])
        angle = np.deg2rad(between(u[:, 6], how.rotate))
        cos, sin = np.cos(angle), np.sin(angle)
        rotated = _matrices(cos * scale_x, sin * scale_y, -sin * scale_x, cos * scale_y)
        one = np.ones_like(shear_x)
        # Inverted here: to invert on a GPU would wait for it, to see whether it can be done.
        inverse = np.linalg.inv(_matrices(one, shear_x, shear_y, one) @ rotated)
        # From pixels about the centre to -1..1 between the centres of the outermost pixels.
        half = np.array([width - 1, height - 1]) / 2
        shift = np.stack([x, y], 1)[..., None]
        theta = np.concatenate([inverse * half, -inverse @ shift], 2) / half[:, None]
        fill = np.broadcast_to(self.fill, (len(u), 3))
        return np.concatenate([theta.reshape(len(u), 6), fill], 1).astype(np.float32)

    def _shift(self, u: Uniforms, width: int, height: int) -> tuple[Uniforms, Uniforms]:
        """Whole pixels, as albumentations shifts."""
        how = self.transform
        x, y = u.T
        if how.translate_percent is not None:
            share = how.translate_percent
            x, y = between(x, share["x"]) * width, between(y, share["y"]) * height
            return np.trunc(x), np.trunc(y)
        (x0, x1), (y0, y1) = how.translate_px["x"], how.translate_px["y"]
        return (
            integer_between(x, int(x0), int(x1)).astype(float),
            integer_between(y, int(y0), int(y1)).astype(float),
        )

    def apply(self, pixels: Tensor, parameters: Tensor) -> Tensor:
        """Resample."""
        images = to_planes(pixels)
        fill = parameters[:, 6:, None, None]
        by_x, by_y, shift = parameters[:, :6].view(-1, 1, 2, 3).unbind(3)
        y, x = (torch.linspace(-1, 1, size, device=pixels.device) for size in pixels.shape[1:3])
        across = by_x * x[:, None] + shift
        grid = across[:, None] + (by_y * y[:, None])[:, :, None]
        if self.fills:
            images = images - fill
        out = F.grid_sample(images, grid, padding_mode=self.padding, align_corners=True)
        if self.fills:
            out = out + fill
        return to_pixels(out.round_())


def _matrices(a: Uniforms, b: Uniforms, c: Uniforms, d: Uniforms) -> Uniforms:
    """Matrices [[a, b], [c, d]], float64 (m, 2, 2)."""
    return np.stack([a, b, c, d], 1).reshape(-1, 2, 2)
