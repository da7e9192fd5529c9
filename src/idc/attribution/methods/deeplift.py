"""DeepLift."""

from dataclasses import dataclass

import captum.attr
from torch import Tensor, nn

from idc.attribution.methods.base import Attributions, Baseline, array, baseline_of, quiet
from idc.attribution.methods.rules import complete_rules
from idc.attribution.prepare import one_use_each

# Neither linear nor given a rule; their gradient at the patch is taken.
WITHOUT_RULE = (
    *(nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm, nn.MultiheadAttention),
    *(nn.InstanceNorm2d, nn.AdaptiveMaxPool2d, nn.LPPool2d, nn.GLU, nn.Softmax),
)


@dataclass(frozen=True)
class DeepLift:
    """DeepLift (Shrikumar et al. 2017), rescale rule, summed over the channels.

    Maps are signed, in logits: their sum is the logit's rise from the baseline, but for `error`,
    which is rounding in networks of convolutions, BatchNorm, elementwise activations, pooling and
    squeeze-and-excitation; see `idc.attribution.methods.rules`.

    Attributes:
        baseline: What stands for nothing; see `baseline_of`.
    """

    baseline: Baseline = "white"

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Signed maps, (N, H, W), how far each one's sum is off, and a note of what has no rule."""
        images = images.detach()
        twin = one_use_each(model, images[:1])
        with quiet(), complete_rules(twin, len(images)):
            # A unit that changes by no more than rounding has no quotient of changes.
            maps, error = captum.attr.DeepLift(twin, eps=1e-6).attribute(
                images.requires_grad_(),
                baseline_of(images, self.baseline),
                targets,
                return_convergence_delta=True,
            )
        missing = {name for m in model.modules() if (name := _without_rule(m))}
        note = (
            f"no rule for {', '.join(sorted(missing))}: the sum may be far off" if missing else ""
        )
        source = f"pixels, from {self.baseline}"
        return Attributions(array(maps.sum(1)), source, array(error), note)


def _without_rule(module: nn.Module) -> str:
    """The name of a module that has no rule; attention computes its softmax without a module."""
    name = type(module).__name__
    return name if isinstance(module, WITHOUT_RULE) or "Attention" in name else ""
