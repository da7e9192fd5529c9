"""Activations: those that methods have rules for, and a note on the others."""

from collections import Counter

from torch import nn

ELEMENTWISE: tuple[type[nn.Module], ...] = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.CELU, nn.SELU),
    *(nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink),
    *(nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.SiLU, nn.Mish, nn.GELU, nn.Softplus, nn.Softsign),
    nn.Threshold,
)


# timm has classes of its own for the same functions.
OTHER_MODULES = "timm.layers.activations"


def elementwise_types(model: nn.Module) -> set[type[nn.Module]]:
    """The classes of a network's elementwise activations."""
    return {
        type(module)
        for module in model.modules()
        if isinstance(module, ELEMENTWISE) or type(module).__module__.startswith(OTHER_MODULES)
    }


def guided_note(model: nn.Module) -> str:
    """A note on the activations that guided backpropagation does not guide; "" if there are none.

    Captum guides `nn.ReLU` and nothing else; through the others goes the plain gradient.
    """
    kinds = tuple(elementwise_types(model))
    activations = [module for module in model.modules() if isinstance(module, kinds)]
    plain = Counter(type(m).__name__ for m in activations if not isinstance(m, nn.ReLU))
    if activations and not plain:
        return ""
    guided = len(activations) - plain.total()
    names = f", not {', '.join(name for name, _ in plain.most_common())}" if plain else ""
    end = "; this is the plain gradient" if not guided else ""
    return f"guides {guided} of {len(activations)} activations{names}{end}"
