"""Methods that cover parts of the patch and measure how much the logit falls."""

from dataclasses import dataclass

import captum.attr
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.attribution.methods.base import Attributions, Baseline, array, in_rows, reference_image
from idc.errors import ConfigError


@dataclass(frozen=True)
class Occlusion:
    """Occlusion (Zeiler & Fergus 2014): the fall of the logit when a window is covered.

    Maps are signed, in logits: a pixel's value is the mean over the windows that cover it.

    Attributes:
        window: Side of the window in pixels.
        stride: Pixels between two windows.
        baseline: The reference image that covers the window; see `reference_image`.
        rows_at_once: Inputs per pass; bounds the memory.
    """

    window: int = 10
    stride: int = 5
    baseline: Baseline = "white"
    rows_at_once: int = 128

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Signed maps, (N, H, W).

        Raises:
            ConfigError: The window or the stride does not fit.
        """
        side = min(images.shape[-2:])
        if not 0 < self.stride <= self.window <= side:
            raise ConfigError(
                f"explain: occlusion's window of {self.window} pixels must fit the patch of {side} "
                f"and its stride of {self.stride} pixels the window, so that none is left between."
            )
        method, images = captum.attr.Occlusion(model), images.detach()
        with torch.no_grad():
            maps = [
                method.attribute(
                    part,
                    (3, self.window, self.window),
                    (3, self.stride, self.stride),
                    reference_image(part, self.baseline),
                    classes,
                    perturbations_per_eval=max(1, self.rows_at_once // len(part)),
                )
                for part, classes in in_rows(images, targets, self.rows_at_once)
            ]
        # Each channel holds the same value: the window covers all of them.
        return Attributions(array(torch.cat(maps)[:, 0]), f"window {self.window}x{self.window}")


@dataclass(frozen=True)
class FeatureAblation:
    """Feature ablation over superpixels: the fall of the logit when one is covered.

    The superpixels are SLIC's (Achanta et al. 2012), each patch's own. Maps are signed, in logits,
    and constant within a superpixel.

    Attributes:
        superpixels: Approximate number per patch.
        compactness: The weight of nearness against likeness of colour; larger: more like squares.
        baseline: The reference image that covers a superpixel; see `reference_image`.
        rows_at_once: Inputs per pass; bounds the memory.
    """

    superpixels: int = 50
    compactness: float = 10.0
    baseline: Baseline = "white"
    rows_at_once: int = 128

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Signed maps, (N, H, W)."""
        method, images = captum.attr.FeatureAblation(model), images.detach()
        maps = []
        with torch.no_grad():
            for part, classes in in_rows(images, targets, self.rows_at_once):
                areas = [self.areas(image) for image in array(part.permute(0, 2, 3, 1))]
                maps.append(
                    method.attribute(
                        part,
                        reference_image(part, self.baseline),
                        classes,
                        feature_mask=torch.from_numpy(np.stack(areas))[:, None].to(part.device),
                        perturbations_per_eval=max(1, self.rows_at_once // len(part)),
                    )[:, 0]
                )
        return Attributions(array(torch.cat(maps)), f"about {self.superpixels} superpixels")

    def areas(self, image: NDArray[np.float32]) -> NDArray[np.int64]:
        """The superpixels of a patch.

        Args:
            image: float (H, W, 3) in [0, 1].

        Returns:
            int64 (H, W), from 0 and without gaps.
        """
        from skimage.segmentation import slic  # takes half a second, and only this method needs it

        labels: NDArray[np.integer] = slic(
            image, self.superpixels, self.compactness, start_label=0, enforce_connectivity=True
        )
        return labels.astype(np.int64)
