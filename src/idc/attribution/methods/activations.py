"""Activations: those that methods have rules for, and what to say of the others."""

from collections import Counter

from torch import nn

ELEMENTWISE: tuple[type[nn.Module], ...] = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.CELU, nn.SELU),
    *(nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink),
    *(nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.SiLU, nn.Mish, nn.GELU, nn.Softplus, nn.Softsign),
    nn.Threshold,
)


def guided_note(model: nn.Module) -> str:
    """How many of the network's activations guided backpropagation guides, if not all of them.

    Captum guides `nn.ReLU` and nothing else; through the others goes the plain gradient.
    """
    found = [m for m in model.modules() if isinstance(m, ELEMENTWISE)]
    plain = Counter(type(m).__name__ for m in found if not isinstance(m, nn.ReLU))
    if found and not plain:
        return ""
    guided = len(found) - plain.total()
    kinds = f", not {', '.join(name for name, _ in plain.most_common())}" if plain else ""
    end = "; this is the plain gradient" if not guided else ""
    return f"guides {guided} of {len(found)} activations{kinds}{end}"
