"""Methods that take the gradient of the logit to the pixels.

The draws of those that average over random draws are the same for every patch: its map depends on
the seed alone, neither on its batch nor on earlier draws. A patch and its draws make a batch.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import captum.attr
import numpy as np
import torch
from torch import Tensor, nn

from idc.attribution.methods.base import (
    ELEMENTWISE,
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


def guided_note(model: nn.Module) -> str:
    """A note on the activations that guided backpropagation does not guide; "" if there are none.

    Captum guides `nn.ReLU` and nothing else; through the others goes the plain gradient.
    """
    kinds = map(type, model.modules())
    own = "timm.layers.activations"  # its own classes for the same functions
    names = [
        kind.__name__
        for kind in kinds
        if kind.__name__.lower() in ELEMENTWISE or kind.__module__.startswith(own)
    ]
    plain = Counter(name for name in names if name != "ReLU")
    if names and not plain:
        return ""
    others = f", not {', '.join(name for name, _ in plain.most_common())}" if plain else ""
    guided = len(names) - plain.total()
    end = "; this is the plain gradient" if not guided else ""
    return f"guides {guided} of {len(names)} activations{others}{end}"


@dataclass(frozen=True)
class SmoothGrad:
    """SmoothGrad (Smilkov et al. 2017): the gradient's mean over noisy copies of the patch.

    The mean is signed, so that gradients whose sign depends on the noise cancel out; its largest
    absolute value over the channels is taken. Maps are >= 0, in logits per unit of a pixel in
    [0, 1].

    Attributes:
        samples: Noisy copies per patch.
        noise: Standard deviation, as a share of the patch's own range of values; the paper
            advises 0.1 to 0.2.
        seed: Decides the noise.
        rows_at_once: Inputs per pass; bounds the memory. Fewer than `samples` gives other draws.
    """

    samples: int = 32
    noise: float = 0.15
    seed: int = 0
    rows_at_once: int = 128

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Maps >= 0, (N, H, W)."""
        method = captum.attr.NoiseTunnel(captum.attr.Saliency(model))
        maps = []
        for image, target in in_rows(images.detach(), targets, 1):
            with seeded(self.seed, image.device):
                maps.append(
                    method.attribute(
                        image,
                        nt_type="smoothgrad",
                        nt_samples=self.samples,
                        nt_samples_batch_size=max(1, self.rows_at_once),
                        stdevs=self.noise * float(image.max() - image.min()),
                        target=target,
                        abs=False,
                    )
                )
        source = f"pixels, {self.samples} draws of noise {self.noise:g}"
        return Attributions(array(torch.cat(maps).abs().amax(1)), source)


@dataclass(frozen=True)
class GradientShap:
    """GradientSHAP (Lundberg & Lee 2017; Erion et al. 2021), summed over the channels.

    The gradient at random points between the patch and a reference image drawn from several, times
    their difference. Maps are signed, in logits: their sum tends to the logit's rise from the mean
    logit of the reference images; `error` is what is missing after so many draws.

    Attributes:
        baselines: The reference images; see `reference_image`.
        samples: Draws per patch.
        noise: Standard deviation of noise on the patch, as a share of its own range of values.
        seed: Decides the draws.
        rows_at_once: Inputs per pass; bounds the memory. Fewer than `samples` gives other draws.
    """

    baselines: Sequence[Baseline] = ("white", "mean")
    samples: int = 32
    noise: float = 0.0
    seed: int = 0
    rows_at_once: int = 128

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Signed maps, (N, H, W), and the error of each one's sum."""
        maps, errors = [], []
        for image, target in in_rows(images.detach(), targets, 1):
            with seeded(self.seed, image.device):
                mean, error = self._one(model, image, target)
            maps.append(mean)
            errors.append(error)
        source = f"pixels, from {' and '.join(self.baselines)}, {self.samples} draws"
        return Attributions(array(torch.cat(maps)), source, array(torch.stack(errors)))

    def _one(self, model: nn.Module, image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """A patch's map, (1, H, W), and its error, ()."""
        method = captum.attr.GradientShap(model)
        references = torch.cat([reference_image(image, kind) for kind in self.baselines])
        total, error = torch.zeros_like(image), image.new_zeros(())
        rows = max(1, self.rows_at_once)
        for start in range(0, self.samples, rows):
            draws = min(rows, self.samples - start)
            part, delta = method.attribute(
                image,
                references,
                n_samples=draws,
                stdevs=self.noise * float(image.max() - image.min()),
                target=target,
                return_convergence_delta=True,
            )
            total += part.detach() * (draws / self.samples)
            error += delta.detach().sum() / self.samples
        return total.sum(1), error


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the random numbers that Captum draws, and restore the global generators afterwards.

    Those of NumPy and of torch, on the CPU and on the device.
    """
    cuda = [device] if device.type == "cuda" else []
    was = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=cuda):
        # Not `torch.manual_seed`, which seeds devices that are not put back afterwards.
        torch.default_generator.manual_seed(seed)
        for one in cuda:
            with torch.cuda.device(one):
                torch.cuda.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(was)  # noqa: NPY002
