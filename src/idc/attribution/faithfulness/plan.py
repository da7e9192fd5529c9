"""What is measured of attribution maps, and how finely."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from idc.errors import ConfigError

Filler = Literal["white", "grey", "mean", "black", "blur"]

MOST_LEFT = 0.8  # share of the probability that may stay when every pixel is taken out

AT_LEAST = {
    "patches": 0,
    "steps": 1,
    "random_maps": 1,
    "perturbations": 1,
    "sensitivity_patches": 0,
    "shuffles": 1,
    "least_gain": 0,
    "seed": 0,
}


@dataclass(frozen=True)
class FaithfulnessPlan:
    """How faithfulness is measured.

    The defaults cost a method some 3,700 forward passes and 260 maps: with mobilenet_v3_small at
    50x50, on one core, 14 s for Grad-CAM and integrated gradients of 32 steps together. A further
    reference image adds a second.

    Attributes:
        patches: Test patches that it is measured on; 0 turns it off.
        steps: Steps in which the pixels are taken out and put in.
        baselines: The reference images that replace pixels, one after the other: ``white`` (glass,
            in bright field), ``grey`` (half of white), ``mean`` (each patch's own mean colour),
            ``black`` or ``blur`` (the patch, smoothed by a tenth of its side). A list, or one
            alone. Two or more keep the verdict from resting on a choice: integrated gradients,
            DeepLift and occlusion use white themselves and look better when measured with white
            only. On a ResNet18 DeepLift gained 0.65 with white, 0.04 with the mean colour and -0.07
            with grey. A reference image has to take the class away to measure anything: networks
            trained on synthetic patches kept 0.002 of the probability of a tumour patch with
            glass, 0.66 to 0.82 with the mean colour and 0.88 to 0.99 with a blur. One that leaves
            more than `MOST_LEFT` of it does not count towards the verdict: with a network that
            goes by colour, such as that ResNet18, only white and grey count.
        least_gain: A method is trusted if the lower end of its gain's interval is above this with
            every reference image that counts: less is negligible, however certain. In AUC, which
            is a mean probability.
        random_maps: Random maps of the same spectrum, for each map. The patches average their
            chance out, so that a few are enough.
        perturbations: Perturbed images per patch, for infidelity and of max-sensitivity.
        noise: Standard deviation of infidelity's noise, of pixels in [0, 1].
        radius: Largest change of a pixel, in [0, 1], of max-sensitivity.
        sensitivity_patches: Number of patches, from the first, on which max-sensitivity is
            measured: it needs `perturbations` + 1 maps of each, more than all the rest together.
        shuffles: How often the weights are shuffled, from the head to the first convolution.
        max_similarity: With all weights shuffled, maps more similar than this to those of the
            trained network fail the check. It is Spearman's rank correlation of the maps' sizes:
            at 0.5 they share a quarter of the variance of their ranks. Zero would be too strict,
            as some likeness comes from the patch itself: every method is drawn to nuclei, and
            those that multiply by the input, such as integrated gradients, show it in part
            whatever the weights are.
        seed: Fixes the random maps, the noise and the shuffling.
    """

    patches: int = 24
    steps: int = 10
    baselines: Sequence[Filler] = field(default_factory=lambda: ["white", "mean"])
    least_gain: float = 0.01
    random_maps: int = 3
    perturbations: int = 10
    noise: float = 0.03
    radius: float = 0.02
    sensitivity_patches: int = 8
    shuffles: int = 1
    max_similarity: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in AT_LEAST.items():
            if getattr(self, name) < low:
                raise ConfigError(
                    f"explain.faithfulness.{name}={getattr(self, name)}: give {low} or more."
                )
        for name in ("noise", "radius", "max_similarity"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(
                    f"explain.faithfulness.{name}={getattr(self, name)}: give a number above 0, "
                    "1 at most."
                )
        given = self.baselines
        chosen = [given] if isinstance(given, str) else list(given)
        if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(get_args(Filler)):
            raise ConfigError(
                f"explain.faithfulness.baselines=[{','.join(map(str, chosen))}]: choose one or "
                f"several of {', '.join(get_args(Filler))}, each once."
            )
        object.__setattr__(self, "baselines", chosen)  # frozen, and YAML may give a word alone
