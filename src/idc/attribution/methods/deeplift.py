"""DeepLift, with a rule for every function that the networks here are made of.

Captum has the rescale rule for a few activations and hands on the plain gradient through the
others; it has none for products of two maps (squeeze-and-excitation), and its rule for max-pooling
loses contributions where windows overlap. The error of the map's sum as a share of the logit's
rise, median of 8 patches, with the weights of the start and settled BatchNorm:

    network             Captum's     with these rules
    resnet18            0.35         6e-7
    vgg16               1.6          4e-6
    mobilenet_v2        57           5e-6
    mobilenet_v3_small  1.6          5e-6
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from idc.attribution.methods.base import (
    ELEMENTWISE,
    Attributions,
    Baseline,
    array,
    reference_image,
)

PRODUCTS = frozenset({"mul", "rmul", "multiply"})
NO_CHANGE = 1e-6  # a unit that changes by no more than rounding has no quotient of changes
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
        images = images.detach().requires_grad_()
        references = reference_image(images, self.baseline)
        with Rules(2 * len(images)):
            logits = model(torch.cat([images, references]))
        now, start = logits.gather(1, torch.cat([targets, targets])[:, None])[:, 0].chunk(2)
        (multipliers,) = torch.autograd.grad(now.sum(), images)
        maps = (multipliers * (images - references)).sum(1)
        error = maps.sum((1, 2)) - (now - start)
        missing = {name for m in model.modules() if (name := _without_rule(m))}
        names = ", ".join(sorted(missing))
        note = f"no rule for {names}: the sum may be far off" if missing else ""
        return Attributions(array(maps), f"pixels, from {self.baseline}", array(error), note)


def _without_rule(module: nn.Module) -> str:
    """The name of a module that has no rule; attention computes its softmax without a module."""
    name = type(module).__name__
    return name if isinstance(module, WITHOUT_RULE) or "Attention" in name else ""


class Rules(TorchFunctionMode):
    """Give functions of maps that depend on the patch DeepLift's multipliers as their gradient.

    Args:
        rows: Rows of a pass; the first half are patches, the others their reference images.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value of the function, with its rule where it has one."""
        options = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        in_place = name.endswith("_") and not name.endswith("__")
        name = name.strip("_").replace("_", "")
        if not in_place and args and self._depends(args[0]):
            if name in PRODUCTS and len(args) == 2 and self._depends(args[1]):
                return _Product.apply(*args)
            if name in ELEMENTWISE or name == "maxpool2d":
                if "inplace" in options:
                    options["inplace"] = False
                rule = _pooled if name == "maxpool2d" else _rescaled
                return _Ruled.apply(args[0], lambda x: func(x, *args[1:], **options), rule)
        return func(*args, **options)

    def _depends(self, value: object) -> bool:
        """Whether a value is a tensor that depends on the patch."""
        if not isinstance(value, Tensor) or not value.requires_grad:
            return False
        return value.ndim > 1 and value.shape[0] == self.rows


class _Ruled(torch.autograd.Function):
    """A function whose gradient is that of a rule."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable[[Tensor], Tensor], rule: Any) -> Tensor:
        ctx.multipliers = partial(rule, x.detach().clone(), function)
        return function(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        with torch.enable_grad():
            return ctx.multipliers(gradients[0]), None, None


def _rescaled(x: Tensor, function: Callable[[Tensor], Tensor], gradient: Tensor) -> Tensor:
    """The quotient of the changes of output and input; the gradient where the input stays."""
    leaf = x.requires_grad_()
    output = function(leaf)
    (plain,) = torch.autograd.grad(output, leaf, gradient)
    rise = _rise(x)
    return torch.where(rise.abs() < NO_CHANGE, plain, gradient * _rise(output) / rise).detach()


def _pooled(x: Tensor, function: Callable[[Tensor], Tensor], gradient: Tensor) -> Tensor:
    """The multipliers of a max-pooling, for windows that overlap as well.

    A window's rise goes to where its maximum is now, as far as it is above the start's, and is
    taken from where the maximum was, as far as that one is missed (as in the DeepLift of SHAP).
    """
    leaf = x.requires_grad_()
    output = function(leaf)
    now, start = output.detach().chunk(2)
    higher = torch.maximum(now, start)
    multiplier = gradient.chunk(2)[0]
    given = torch.cat([multiplier * (higher - start), multiplier * (now - higher)])
    (plain,) = torch.autograd.grad(output, leaf, gradient, retain_graph=True)
    (shares,) = torch.autograd.grad(output, leaf, given)
    rise = _rise(x)
    both = shares.chunk(2)[0] + shares.chunk(2)[1]
    return torch.where(rise.abs() < NO_CHANGE, plain, torch.cat([both, both]) / rise).detach()


def _rise(both: Tensor) -> Tensor:
    """The change from the reference image to the patch, in both halves."""
    now, start = both.detach().chunk(2)
    return torch.cat([now - start, now - start])


class _Product(torch.autograd.Function):
    """The product of two maps that both depend on the patch: each gets the other's mean.

    a b - a0 b0 = (a - a0) (b + b0) / 2 + (b - b0) (a + a0) / 2: half a product's rise goes to
    each factor's share, which is the Shapley value.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        (gradient,), (a, b) = gradients, ctx.saved_tensors
        to_a, to_b = gradient * _mean(b), gradient * _mean(a)
        return to_a.sum_to_size(a.shape), to_b.sum_to_size(b.shape)


def _mean(both: Tensor) -> Tensor:
    """The mean of a patch's values and its reference image's, in both halves."""
    now, start = both.chunk(2)
    mean = (now + start) / 2
    return torch.cat([mean, mean])
