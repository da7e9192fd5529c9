"""Parameter groups: which layers learn how fast, and which weights decay."""

from collections.abc import Iterable
from typing import Any

from torch import nn

from idc.models.network import Network


def parameter_groups(
    network: Network,
    lr: float,
    backbone_lr_factor: float = 1.0,
    head_weight_decay: float | None = None,
    layer_decay: float = 1.0,
) -> list[dict[str, Any]]:
    """Group the parameters for an optimizer.

    Biases, the weights of normalisation layers and what the backbone exempts are never decayed
    (decay pulls their scale to zero for no gain). Frozen parameters are included: an optimizer
    passes over those without a gradient, so that stages can be freed later without touching its
    state.

    Args:
        network: The network.
        lr: Learning rate of the head.
        backbone_lr_factor: The backbone's learning rate as a share of `lr`.
        head_weight_decay: L2 of the head's weights; None takes the optimizer's own.
        layer_decay: Learning rate of each of the backbone's groups as a share of that of the next,
            from the head down (Clark et al. 2020, ELECTRA; Bao et al. 2022, BEiT); 1 gives all
            the same rate.

    Returns:
        Groups with ``params``, ``lr``, ``name`` and, where it is not the optimizer's default,
        ``weight_decay``: ``backbone``, ``head`` and ``.../no_decay``; with `layer_decay` below 1
        ``backbone/<group>`` in place of the first.
    """
    backbone = network.backbone
    exempt = {id(parameter) for parameter in backbone.without_weight_decay()}
    parts: list[tuple[str, Iterable[nn.Parameter], float, float | None]]
    if layer_decay == 1:
        parts = [("backbone", backbone.parameters(), backbone_lr_factor, None)]
    else:
        layers = backbone.groups()
        parts = [
            (f"backbone/{name}", part, backbone_lr_factor * layer_decay ** (len(layers) - i), None)
            for i, (name, part) in enumerate(layers.items())
        ]
    groups: list[dict[str, Any]] = []
    for name, part, factor, decay in (
        *parts,
        ("head", network.head.parameters(), 1.0, head_weight_decay),
    ):
        parameters = list(part)
        plain = [p for p in parameters if p.ndim <= 1 or id(p) in exempt]
        decayed = [p for p in parameters if p.ndim > 1 and id(p) not in exempt]
        extra = {} if decay is None else {"weight_decay": decay}
        if decayed:
            groups.append({"params": decayed, "lr": lr * factor, "name": name, **extra})
        if plain:
            group = {"params": plain, "lr": lr * factor, "name": f"{name}/no_decay"}
            groups.append({**group, "weight_decay": 0.0})
    return groups
