"""Attribution methods, by Captum, behind one face.

Each is called as ``method(model, images, targets)`` with a model from
`idc.explain.prepare.explainable_copy` and answers with one map a patch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import captum.attr
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.errors import ConfigError
from idc.explain.layers import choose_layer

Baseline = Literal["white", "black", "mean"]


@dataclass(frozen=True)
class Attributions:
    """The maps of some patches.

    Attributes:
        maps: float32 (N, H, W), in the images' resolution; positive speaks for the target class.
        source: What a map is made of: ``stages.layer2, map 7x7``, or ``pixels``.
        error: How far a map's sum is from what completeness asks for, float (N,), or None.
    """

    maps: NDArray[np.float32]
    source: str
    error: NDArray[np.float32] | None = None


class Method(Protocol):
    """An attribution method."""

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Explain the logits of the targets.

        Args:
            model: Images to logits (N, k); in eval mode.
            images: float (N, 3, H, W) in [0, 1].
            targets: int64 (N,), the class whose logit is explained.
        """
        ...


@dataclass(frozen=True)
class GradCam:
    """Grad-CAM (Selvaraju et al. 2017), on a layer whose map is large enough.

    Attributes:
        layer: The layer's name, or None to choose by `min_map`.
        min_map: Smallest side of the layer's map.
    """

    layer: str | None = None
    min_map: int = 6

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Maps >= 0, upsampled bilinearly to the images' size."""
        chosen = choose_layer(model, images[:1], self.min_map, self.layer)
        method = captum.attr.LayerGradCam(model, chosen.module)
        # The weights need no gradients, so the images must, for the maps to have any.
        coarse = method.attribute(images.requires_grad_(), targets, relu_attributions=True)
        maps = captum.attr.LayerAttribution.interpolate(
            coarse, tuple(images.shape[-2:]), interpolate_mode="bilinear"
        )
        note = f"{chosen.name.removeprefix('backbone.stages.')}, map {chosen.height}x{chosen.width}"
        return Attributions(_array(maps[:, 0]), note)


@dataclass(frozen=True)
class IntegratedGradients:
    """Integrated gradients (Sundararajan et al. 2017), summed over the channels, signed.

    Attributes:
        baseline: What stands for nothing: ``white`` (glass, in bright field), ``black``, or
            ``mean`` (each patch's own mean colour).
        steps: Points on the path.
        rows_at_once: Inputs a pass; bounds the memory.
    """

    baseline: Baseline = "white"
    steps: int = 32
    rows_at_once: int = 128

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Signed maps whose sum is the logit's rise from the baseline, but for `error`."""
        method = captum.attr.IntegratedGradients(model)
        maps, delta = method.attribute(
            images,
            baseline_of(images, self.baseline),
            targets,
            n_steps=self.steps,
            internal_batch_size=max(self.rows_at_once, len(images)),
            return_convergence_delta=True,
        )
        return Attributions(_array(maps.sum(1)), f"pixels, from {self.baseline}", _array(delta))


@dataclass(frozen=True)
class Saliency:
    """Saliency (Simonyan et al. 2014): the gradient's largest size over the channels."""

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Maps >= 0."""
        maps = captum.attr.Saliency(model).attribute(images.requires_grad_(), targets, abs=True)
        return Attributions(_array(maps.amax(1)), "pixels")


@dataclass(frozen=True)
class Occlusion:
    """Occlusion (Zeiler & Fergus 2014): what the logit loses when a window is covered.

    Attributes:
        window: Side of the window in pixels.
        stride: Pixels between two windows.
        baseline: What the window is covered with.
    """

    window: int = 10
    stride: int = 5
    baseline: Baseline = "white"

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Signed maps."""
        if self.window > min(images.shape[-2:]):
            raise ConfigError(
                f"explain: occlusion's window of {self.window} pixels is larger than the patch of "
                f"{min(images.shape[-2:])}; choose a smaller one."
            )
        with torch.no_grad():
            maps = captum.attr.Occlusion(model).attribute(
                images,
                (3, self.window, self.window),
                (3, self.stride, self.stride),
                baseline_of(images, self.baseline),
                targets,
            )
        # Each channel holds the same value: the window covers all of them.
        return Attributions(_array(maps[:, 0]), f"window {self.window}x{self.window}")


def baseline_of(images: Tensor, kind: Baseline) -> Tensor:
    """Images that show nothing, float (N, 3, H, W), for images in [0, 1]."""
    makers: dict[str, Callable[[Tensor], Tensor]] = {
        "white": torch.ones_like,
        "black": torch.zeros_like,
        "mean": lambda x: x.mean((2, 3), keepdim=True).expand_as(x).clone(),
    }
    if kind not in makers:
        raise ConfigError(f"explain: baseline={kind}; choose white, black or mean.")
    return makers[kind](images.detach())


def _array(values: Tensor) -> NDArray[np.float32]:
    return values.detach().float().cpu().numpy()
