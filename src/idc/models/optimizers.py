"""Parameter groups: who learns how fast, and what is decayed."""

from typing import Any

from torch import nn

from idc.models.network import Network


def parameter_groups(
    network: Network,
    lr: float,
    backbone_lr_factor: float = 1.0,
    head_weight_decay: float | None = None,
) -> list[dict[str, Any]]:
    """Group the parameters for an optimizer.

    Biases and the weights of normalisation layers are never decayed (decay pulls their scale to
    zero for no gain). Frozen parameters are included: an optimizer passes over those without a
    gradient, so that stages can be freed later without touching its state.

    Args:
        network: The network.
        lr: Learning rate of the head.
        backbone_lr_factor: The backbone's learning rate as a share of `lr`.
        head_weight_decay: L2 of the head's weights; None takes the optimizer's own.

    Returns:
        Up to four groups with ``params``, ``lr``, ``name`` and, where it is not the optimizer's
        default, ``weight_decay``.
    """
    groups: list[dict[str, Any]] = []
    for name, module, factor, decay in (
        ("backbone", network.backbone, backbone_lr_factor, None),
        ("head", network.head, 1.0, head_weight_decay),
    ):
        decayed, plain = _by_decay(module)
        extra = {} if decay is None else {"weight_decay": decay}
        if decayed:
            groups.append({"params": decayed, "lr": lr * factor, "name": name, **extra})
        if plain:
            group = {"params": plain, "lr": lr * factor, "name": f"{name}/no_decay"}
            groups.append({**group, "weight_decay": 0.0})
    return groups


def _by_decay(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for parameter in module.parameters():
        (decayed if parameter.ndim > 1 else plain).append(parameter)
    return decayed, plain
