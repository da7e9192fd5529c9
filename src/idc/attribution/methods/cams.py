"""Methods that explain by the map of one layer."""

import dataclasses
from dataclasses import dataclass
from typing import Self

import captum.attr
import torch
import torch.nn.functional as F
import torchcam.methods
from torch import Tensor, nn

from idc.attribution.layers import choose_layer, named_layer, short_name
from idc.attribution.methods.base import Attributions, Baseline, array, in_rows, reference_image
from idc.attribution.methods.gradients import GuidedBackprop
from idc.attribution.prepare import map_module


@dataclass(frozen=True)
class OnLayer:
    """Base of the methods that use one layer.

    Attributes:
        layer: The layer's name, or None to choose by `min_map`; see `choose_layer`.
        min_map: Smallest side of the layer's map.
    """

    layer: str | None = None
    min_map: int = 6

    def settled(self, model: nn.Module, image: Tensor) -> Self:
        """The same method with the layer fixed, so that it is not chosen again for each batch.

        Of a model as the method is called with, for an image, float (1, 3, H, W).

        Raises:
            ConfigError: There is no such layer, or none gives a map.
        """
        chosen = choose_layer(model, image, self.min_map, self.layer)
        return dataclasses.replace(self, layer=chosen.name)

    def _settle(self, model: nn.Module, images: Tensor) -> tuple[str, nn.Module]:
        name = self.layer or self.settled(model, images[:1]).layer
        return named_layer(model, name or "")

    def _enlarged(self, name: str, coarse: Tensor, images: Tensor) -> Attributions:
        """Maps (N, 1, h, w) of a layer in the images' size, with a note where they are small."""
        height, width = coarse.shape[-2:]
        small = min(height, width) < self.min_map
        note = f"the map is smaller than {self.min_map}x{self.min_map}" if small else ""
        size = (images.shape[-2], images.shape[-1])
        maps = array(F.interpolate(coarse.detach(), size, mode="bilinear")[:, 0])
        return Attributions(maps, f"{short_name(name)}, map {height}x{width}", note=note)


@dataclass(frozen=True)
class GradCam(OnLayer):
    """Grad-CAM (Selvaraju et al. 2017) on a layer whose map is large enough.

    The positive part of the sum of the layer's channels, weighted by their mean gradients. Maps
    are >= 0, upsampled bilinearly; they show where evidence for the class is, at the resolution of
    the layer's map.
    """

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Maps >= 0, (N, H, W)."""
        name, layer = self._settle(model, images)
        # Neither weights nor images require gradients: Captum requires them at the layer, so that
        # nothing below it is kept for the backward pass.
        with map_module(model, layer) as part:
            coarse = captum.attr.LayerGradCam(model, part).attribute(
                images.detach(), targets, relu_attributions=True
            )
        return self._enlarged(name, coarse, images)


@dataclass(frozen=True)
class GuidedGradCam(OnLayer):
    """Guided Grad-CAM (Selvaraju et al. 2017): Grad-CAM times guided backpropagation.

    Maps are >= 0: the fine lines of the second where the first shows evidence.
    """

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Maps >= 0, (N, H, W); the note says which activations are not guided."""
        where = GradCam(self.layer, self.min_map)(model, images, targets)
        lines = GuidedBackprop()(model, images, targets)
        note = "; ".join(filter(None, (where.note, lines.note)))
        return Attributions(where.maps * lines.maps, where.source, note=note)


@dataclass(frozen=True)
class ScoreCam(OnLayer):
    """Score-CAM (Wang et al. 2020), by torchcam: no gradients.

    Each channel of the layer, enlarged and scaled to [0, 1], masks the patch; the softmax of the
    logits gives the channels' weights. Maps are >= 0, upsampled bilinearly. A patch
    takes as many passes as the layer has channels.

    Attributes:
        baseline: The reference image, seen where a mask is 0; see `reference_image`. In the paper
            the mean colour of ImageNet; on slides, glass is the empty image.
        rows_at_once: Inputs per pass; bounds the memory.
    """

    baseline: Baseline = "white"
    rows_at_once: int = 128

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Maps >= 0, (N, H, W)."""
        name, layer = self._settle(model, images)
        maps = []
        with torch.no_grad(), map_module(model, layer) as part:
            for image, target in in_rows(images.detach(), targets, 1):
                shift = reference_image(image, self.baseline)
                above = _Above(model, shift, part)
                with torchcam.methods.ScoreCAM(above, part, max(1, self.rows_at_once)) as cam:
                    above(image - shift)
                    maps.append(cam(int(target), normalized=False)[0])
        return self._enlarged(name, torch.stack(maps), images)


class _Above(nn.Module):
    """The network as a function of what is added to a reference image: torchcam multiplies."""

    def __init__(self, model: nn.Module, baseline: Tensor, part: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.part = part  # torchcam looks for the module that gives the map among ours
        self.baseline = baseline

    def forward(self, above: Tensor) -> Tensor:
        logits: Tensor = self.model(self.baseline + above)
        return logits
