"""Blur and missing parts."""

import albumentations as A
import numpy as np
import torch
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
from idc.data.device.colour import to_pixels


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
        y = torch.arange(height, device=pixels.device)
        x = torch.arange(width, device=pixels.device)
        rows = (y >= top) & (y < bottom)
        columns = (x >= left) & (x < right)
        hole = (rows[..., :, None] & columns[..., None, :]).any(1)
        return torch.where(hole[..., None], fill.to(torch.uint8), pixels)


def _pixels(u: Uniforms, limits: tuple[float, float], size: int) -> NDArray[np.int64]:
    """Lengths given in pixels, at most the patch's."""
    return integer_between(u, int(limits[0]), int(min(limits[1], size)))
