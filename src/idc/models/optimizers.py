"""Parameter groups: which layers learn how fast, and which weights decay."""

from typing import Any

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
    layers = {f"backbone/{name}": part for name, part in backbone.groups().items()}
    if layer_decay == 1:
        layers = {"backbone": list(backbone.parameters())}
    factors = [backbone_lr_factor * layer_decay ** (len(layers) - i) for i in range(len(layers))]
    parts = {**layers, "head": list(network.head.parameters())}
    groups: list[dict[str, Any]] = []
    for (name, part), factor in zip(parts.items(), [*factors, 1.0], strict=True):
        group = {"lr": lr * factor, "name": name}
        decay = head_weight_decay if name == "head" else None
        if decayed := [p for p in part if p.ndim > 1 and id(p) not in exempt]:
            extra = {} if decay is None else {"weight_decay": decay}
            groups.append({**group, "params": decayed, **extra})
        if plain := [p for p in part if p.ndim <= 1 or id(p) in exempt]:
            other = {"name": f"{name}/no_decay", "weight_decay": 0.0}
            groups.append({**group, "params": plain, **other})
    return groups
