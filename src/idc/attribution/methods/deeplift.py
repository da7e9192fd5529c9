"""DeepLift, with rules for what the networks here are made of.

Captum has the rescale rule for a few activations and passes on the plain gradient through the
others; it has none for products of two maps (squeeze-and-excitation); its rule for max-pooling
loses contributions where windows overlap; and where a pooling follows a ReLU directly, the ReLU is
given the gradient from before the pooling's rule. The error of the map's sum as a share of the
logit's rise, median of 8 patches, with the weights of the start and settled BatchNorm:

    network             Captum's     with these rules
    resnet18            0.35         6e-7
    vgg16               1.6          4e-6
    mobilenet_v2        57           5e-6
    mobilenet_v3_small  1.6          5e-6
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import captum.attr
import torch
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR, nonlinear
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from idc.attribution.methods.activations import elementwise_types
from idc.attribution.methods.base import Attributions, Baseline, array, quiet, reference_image
from idc.attribution.prepare import one_use_each

# Neither linear nor given a rule; their gradient at the patch is taken.
WITHOUT_RULE = (
    *(nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm, nn.MultiheadAttention),
    *(nn.InstanceNorm2d, nn.AdaptiveMaxPool2d, nn.LPPool2d, nn.GLU, nn.Softmax),
)


@dataclass(frozen=True)
class DeepLift:
    """DeepLift (Shrikumar et al. 2017), rescale rule, summed over the channels.

    Maps are signed, in logits: their sum is the logit's rise from the reference image, up to
    `error`, which is rounding in networks of convolutions, BatchNorm, elementwise activations,
    pooling and squeeze-and-excitation; see above.

    Attributes:
        baseline: The reference image; see `reference_image`.
    """

    baseline: Baseline = "white"

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        """Signed maps, (N, H, W), the error of each sum, and a note of modules without a rule."""
        images = images.detach()
        unshared = one_use_each(model, images[:1])
        with quiet(), complete_rules(unshared, len(images)):
            # A unit that changes by no more than rounding has no quotient of changes.
            maps, error = captum.attr.DeepLift(unshared, eps=1e-6).attribute(
                images.requires_grad_(),
                reference_image(images, self.baseline),
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


@contextmanager
def complete_rules(model: nn.Module, patches: int) -> Iterator[None]:
    """Give Captum's DeepLift the rules listed above while the context lasts.

    Args:
        model: A copy from `one_use_each`; hooks stay at its modules.
        patches: Number of patches that DeepLift is called with.
    """
    captums = dict(SUPPORTED_NON_LINEAR)
    SUPPORTED_NON_LINEAR.update(dict.fromkeys(elementwise_types(model), nonlinear))
    SUPPORTED_NON_LINEAR[nn.MaxPool2d] = max_pool_rule
    try:
        for module in model.modules():
            if type(module) in SUPPORTED_NON_LINEAR:
                # A tensor of its own: else the rule of the module before meets this one's input
                # before this one's rule has changed the gradient there.
                module.register_forward_pre_hook(_apart)
        with Products(patches):
            yield
    finally:
        SUPPORTED_NON_LINEAR.clear()
        SUPPORTED_NON_LINEAR.update(captums)


def max_pool_rule(
    module: nn.Module,
    inputs: Tensor,
    outputs: Tensor,
    grad_input: Tensor,
    grad_output: Tensor,
    eps: float = 1e-10,
) -> Tensor:
    """The multipliers of a max-pooling, for windows that overlap as well.

    A window's rise goes to where its maximum is now, as far as it is above the start's, and is
    taken from where the maximum was, as far as that one is missed (as in the DeepLift of SHAP).

    Args:
        module: The pooling.
        inputs: float (2N, C, H, W): the patches' maps, then those of the reference images.
        outputs: float (2N, C, h, w).
        grad_input: The plain gradient, as `inputs`; stands where a value does not change.
        grad_output: The multipliers behind the pooling, as `outputs`.
        eps: What counts as no change.
    """
    now, start = inputs.chunk(2)
    top_now, top_start = outputs.chunk(2)
    higher = torch.maximum(top_now, top_start)
    multiplier = grad_output.chunk(2)[0]
    given = torch.cat([multiplier * (higher - top_start), multiplier * (top_now - higher)])
    with torch.enable_grad():
        leaf = inputs.detach().requires_grad_()
        # Not by a call, which would run the hooks.
        (shares,) = torch.autograd.grad(module.forward(leaf), leaf, given)
    rise = now - start
    multipliers = (shares.chunk(2)[0] + shares.chunk(2)[1]) / rise
    return torch.where(rise.abs() < eps, grad_input.chunk(2)[0], multipliers).repeat(2, 1, 1, 1)


class Products(TorchFunctionMode):
    """Rule for products of two tensors that both depend on the patch: each gets the other's mean.

    a b - a0 b0 = (a - a0) (b + b0) / 2 + (b - b0) (a + a0) / 2: half a product's rise goes to
    each factor's share, which is the Shapley value.

    Args:
        patches: N; in a pass of DeepLift the first N rows are patches, the others reference images.
    """

    KINDS = frozenset({torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__})

    def __init__(self, patches: int) -> None:
        super().__init__()
        self.rows = 2 * patches

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """The product with its own rule, all else as it is."""
        if func in self.KINDS and len(args) == 2 and all(map(self._comes_from_patch, args)):
            return _Product.apply(*args)
        return func(*args, **(kwargs or {}))

    def _comes_from_patch(self, value: object) -> bool:
        if not isinstance(value, Tensor) or not value.requires_grad:
            return False
        return value.ndim > 1 and value.shape[0] == self.rows


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        (gradient,) = gradients
        a, b = ctx.saved_tensors
        return (
            (gradient * _mean(b)).sum_to_size(a.shape),
            (gradient * _mean(a)).sum_to_size(b.shape),
        )


def _mean(both: Tensor) -> Tensor:
    """The mean of a patch's values and its reference image's, in both halves."""
    now, start = both.chunk(2)
    mean = (now + start) / 2
    return torch.cat([mean, mean])


def _apart(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(value.clone() for value in inputs)
