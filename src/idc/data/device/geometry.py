"""Symmetries of the square, affine maps, blur and missing parts."""

import albumentations as A
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
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
        for odd, option in (
            (transform.border_mode not in PADDING, f"border_mode={transform.border_mode}"),
            (
                transform.interpolation != cv2.INTER_LINEAR,
                f"interpolation={transform.interpolation}",
            ),
            (transform.fit_output or transform.balanced_scale, "fit_output or balanced_scale"),
        ):
            if odd:
                raise refuse(transform, f"with {option} has no batched form")
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


class BatchedGaussianBlur(BatchedTransform):
    """GaussianBlur: separable, mirrored about the border pixels.

    Along one axis a blur is a product with a banded matrix. It is made on the device from the
    patch's kernel, so that kernels of all sizes run as one product.
    """

    uniforms = 2

    def __init__(self, transform: A.GaussianBlur) -> None:
        self.sigma = transform.sigma_limit
        self.sizes = transform.blur_limit
        # A size of zero is chosen from sigma, as PIL does.
        self.reach = max(self.sizes[1], int(self.sigma[1] * 3.5) * 2 * (self.sizes[0] == 0)) // 2

    def parameters(self, u: Uniforms, height: int, width: int) -> Parameters:
        """The right half of each kernel, from its centre on."""
        sigma = between(u[:, 0], self.sigma)
        drawn = integer_between(u[:, 1], *self.sizes)
        reach = np.where(drawn == 0, (sigma * 3.5).astype(np.int64), drawn // 2)
        x = np.arange(self.reach + 1)
        weights = np.exp(-0.5 * (x / sigma[:, None]) ** 2) * (x <= reach[:, None])
        total = 2 * weights.sum(1, keepdims=True) - weights[:, :1]
        return np.asarray(weights / total, np.float32)

    def apply(self, pixels: Tensor, parameters: Tensor) -> Tensor:
        """Blur columns, then rows."""
        n, height, width, channels = pixels.shape
        across = _band(parameters, width)
        down = across if height == width else _band(parameters, height)
        out = torch.bmm(down, pixels.float().flatten(2)).view(n, height, width, channels)
        out = out.permute(0, 3, 1, 2).reshape(n, channels * height, width)
        out = torch.bmm(out, across.transpose(1, 2)).view(n, channels, height, width)
        return to_pixels(out.add_(0.5).clamp_(0, 255))


def _band(weights: Tensor, size: int) -> Tensor:
    """Matrices (n, size, size) that blur an axis by half kernels (n, r + 1)."""
    reach = weights.shape[1] - 1
    offsets = torch.arange(-reach, reach + 1, device=weights.device)
    place = torch.arange(size, device=weights.device)
    period = max(2 * (size - 1), 1)
    source = (place + offsets[:, None]) % period
    source = torch.minimum(source, period - source)
    hits = (source[..., None] == place).to(weights.dtype)
    kernels = weights.index_select(1, offsets.abs())
    return torch.mm(kernels, hits.flatten(1)).view(-1, size, size)


class BatchedCoarseDropout(BatchedTransform):
    """CoarseDropout with a fill of one colour."""

    def __init__(self, transform: A.CoarseDropout) -> None:
        if isinstance(transform.fill, str):
            raise refuse(transform, f"with fill={transform.fill} has no batched form")
        self.transform = transform
        self.holes = transform.num_holes_range[1]
        self.uniforms = 1 + 4 * self.holes
        self.fill = np.asarray(transform.fill, np.float32)

    def parameters(self, u: Uniforms, height: int, width: int) -> Parameters:
        """Tops, bottoms, lefts and rights of the holes (some empty), then the fill."""
        how = self.transform
        count = integer_between(u[:, 0], *how.num_holes_range)
        u_height, u_width, u_top, u_left = u[:, 1:].reshape(-1, 4, self.holes).transpose(1, 0, 2)
        if how.hole_height_range[1] >= 1:
            tall = _pixels(u_height, how.hole_height_range, height)
            wide = _pixels(u_width, how.hole_width_range, width)
        else:
            tall = (height * between(u_height, how.hole_height_range)).astype(np.int64)
            wide = (width * between(u_width, how.hole_width_range)).astype(np.int64)
        tall = tall * (np.arange(self.holes) < count[:, None])
        top = integer_between(u_top, 0, height - tall)
        left = integer_between(u_left, 0, width - wide)
        corners = np.stack([top, top + tall, left, left + wide], 1).reshape(len(u), -1)
        fill = np.broadcast_to(self.fill, (len(u), 3))
        return np.concatenate([corners, fill], 1).astype(np.float32)

    def apply(self, pixels: Tensor, parameters: Tensor) -> Tensor:
        """Fill the holes."""
        _, height, width, _ = pixels.shape
        corners, fill = parameters[:, :-3], parameters[:, None, None, -3:]
        top, bottom, left, right = corners.view(-1, 4, self.holes, 1).unbind(1)
        y, x = (torch.arange(size, device=pixels.device) for size in (height, width))
        rows = (y >= top) & (y < bottom)
        columns = (x >= left) & (x < right)
        hole = (rows[..., :, None] & columns[..., None, :]).any(1)
        return torch.where(hole[..., None], fill.to(torch.uint8), pixels)


def _pixels(u: Uniforms, limits: tuple[float, float], size: int) -> NDArray[np.int64]:
    """Lengths given in pixels, at most the patch's."""
    return integer_between(u, int(limits[0]), int(min(limits[1], size)))
