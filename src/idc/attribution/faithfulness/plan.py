"""What is measured of attribution maps, and how finely."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Filler = Literal["white", "grey", "mean", "black", "blur"]

MOST_LEFT = 0.8  # share of the probability that may stay when every pixel is taken out


@dataclass(frozen=True)
class FaithfulnessPlan:
    """How faithfulness is measured; `idc.config.schema.explain` has defaults and ranges.

    Two reference images or more keep the verdict from resting on a choice: integrated gradients,
    DeepLift and occlusion use white themselves and look better when measured with white only. On a
    ResNet18 DeepLift gained 0.65 with white, 0.04 with the mean colour and -0.07 with grey. One
    that leaves more than `MOST_LEFT` of the class's probability measures nothing and does not
    count: networks trained on synthetic patches kept 0.002 of it with glass, 0.66 to 0.82 with the
    mean colour and 0.88 to 0.99 with a blur.

    Attributes:
        baselines: The reference images that replace pixels: ``white`` (glass, in bright field),
            ``grey`` (half of white), ``mean`` (each patch's own mean colour), ``black`` or ``blur``
            (the patch, smoothed by a tenth of its side). A list, or one alone.
        least_gain: A method is trusted if the lower end of its gain's interval is above this: less
            is negligible, however certain. In AUC, which is a mean probability.
        perturbations: Perturbed images per patch, for infidelity and max-sensitivity.
        sensitivity_patches: Patches, from the first, on which max-sensitivity is measured: it needs
            `perturbations` further maps of each.
        max_similarity: With all weights shuffled, maps more similar than this to those of the
            trained network fail the check (Spearman's rank correlation of the maps' sizes). Zero
            would be too strict, as some likeness comes from the patch itself.
    """

    patches: int
    baselines: Sequence[Filler]
    least_gain: float
    steps: int
    random_maps: int
    perturbations: int
    noise: float
    radius: float
    sensitivity_patches: int
    shuffles: int
    max_similarity: float
    seed: int

    def __post_init__(self) -> None:
        given = [self.baselines] if isinstance(self.baselines, str) else self.baselines
        object.__setattr__(self, "baselines", list(dict.fromkeys(given)))
