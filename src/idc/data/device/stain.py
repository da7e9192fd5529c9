"""Haematoxylin and eosin, each scaled and shifted in optical density."""

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
    integer_between,
    refuse,
)
from idc.data.device.colour import luma, to_pixels, to_planes

TISSUE = 0.85 * 255  # brighter is glass
REGULARIZATION = 1e-6
DARKEST = 255e-6  # in place of zero, whose logarithm is infinite


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
