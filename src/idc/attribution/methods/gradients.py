"""Methods that take the gradient of the logit to the pixels."""

from dataclasses import dataclass

import captum.attr
import torch
from torch import Tensor, nn

from idc.attribution.methods.activations import guided_note
from idc.attribution.methods.base import (
    Attributions,
    Baseline,
    array,
    in_rows,
    quiet,
    reference_image,
)


@dataclass(frozen=True)
class Saliency:
    """Saliency (Simonyan et al. 2014): the largest absolute gradient over the channels.

    Maps are >= 0, in logits per unit of a pixel in [0, 1]: how much a pixel matters, not for what.
    """

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Maps >= 0, (N, H, W)."""
        images = images.detach().requires_grad_()
        maps = captum.attr.Saliency(model).attribute(images, targets, abs=True)
        return Attributions(array(maps.amax(1)), "pixels")


@dataclass(frozen=True)
class IntegratedGradients:
    """Integrated gradients (Sundararajan et al. 2017), summed over the channels.

    Maps are signed, in logits: their sum is the logit's rise from the reference image, up to
    `error`.

    Attributes:
        baseline: The reference image; see `reference_image`.
        steps: Points on the path.
        rows_at_once: Inputs per pass; bounds the memory.
    """

    baseline: Baseline = "white"
    steps: int = 32
    rows_at_once: int = 128

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Signed maps, (N, H, W), and the error of each one's sum."""
        method = captum.attr.IntegratedGradients(model)
        # A pass holds at least one step of all given patches.
        parts = [
            method.attribute(
                part,
                reference_image(part, self.baseline),
                classes,
                n_steps=self.steps,
                internal_batch_size=max(1, self.rows_at_once),
                return_convergence_delta=True,
            )
            for part, classes in in_rows(images, targets, self.rows_at_once)
        ]
        maps = torch.cat([each[0] for each in parts]).sum(1)
        error = torch.cat([each[1] for each in parts])
        return Attributions(array(maps), f"pixels, from {self.baseline}", array(error))


@dataclass(frozen=True)
class GuidedBackprop:
    """Guided backpropagation (Springenberg et al. 2015), its largest size over the channels.

    A ReLU passes on positive gradients only. Maps are >= 0. It draws edges more than it explains,
    and it hardly changes when the upper layers are re-initialised (Adebayo et al. 2018).
    """

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Maps >= 0, (N, H, W); the note says which activations are not guided."""
        with quiet():
            maps = captum.attr.GuidedBackprop(model).attribute(
                images.detach().requires_grad_(), targets
            )
        return Attributions(array(maps.abs().amax(1)), "pixels", note=guided_note(model))
