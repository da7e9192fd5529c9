"""What may be built from the configuration that a run carries: a fixed set of objects.

Hydra finds a ``_target_`` by getattr along its dotted name, and a module reaches all that it
imports (``idc.models.weights.torch.load``): how a name begins says nothing of what it calls. So
each name is compared as a whole with those of a fixed set, before anything is imported along it.
"""

from functools import cache
from inspect import Parameter, isabstract, isclass, signature
from typing import Any

import hydra.utils

from idc.config.check import TRUSTED
from idc.config.tree import own_targets, targets_in
from idc.errors import CheckpointError

OPTIMIZERS = "torch.optim."
TRANSFORMS = "albumentations."


def may_be_built(name: str) -> bool:
    """Whether a name is, as a whole, one of the fixed set.

    That are the names that ``conf/`` calls, the optimizers of torch and the transforms of
    albumentations.
    """
    if name in own_targets():
        return True
    return name.startswith((OPTIMIZERS, TRANSFORMS)) and name in _library_classes()


@cache
def _library_classes() -> frozenset[str]:
    import albumentations
    import torch

    transforms = (albumentations.BasicTransform, albumentations.BaseCompose)
    return frozenset(
        prefix + name
        for prefix, module, kinds in (
            (OPTIMIZERS, torch.optim, torch.optim.Optimizer),
            (TRANSFORMS, albumentations, transforms),
        )
        for name, value in vars(module).items()
        if isclass(value) and issubclass(value, kinds) and not isabstract(value)
    )


def check_targets(config: Any, now: Any, what: str) -> None:
    """Refuse a stored configuration that would call anything but what is known to be harmless.

    Args:
        config: The stored configuration, plain values.
        now: That of the command line, which is trusted as Hydra trusts it: what it names may be
            built too, by the very same name.
        what: The place that the configuration was read from, for the message.

    Raises:
        CheckpointError: Names the place and what it would call.
    """
    chosen = {target for _, target in targets_in(now) if isinstance(target, str)}
    for place, target in targets_in(config):
        if not isinstance(target, str):
            raise CheckpointError(f"{what}: {place}._target_ is no name ({target!r:.80}).")
        if target not in chosen and not may_be_built(target):
            raise CheckpointError(
                f"{what}: {place} would call {target}, which is not among the objects that may be "
                f"built from a stored configuration. If you know that code, name it in a "
                f"YAML of conf/, or on the command line too (+{TRUSTED}._target_=NAME)."
            )


def parameter_names(target: str) -> frozenset[str] | None:
    """The names of what a target takes, or None if it takes any.

    The target has passed `check_targets`, or is one of ours.
    """
    kinds = signature(hydra.utils.get_object(target)).parameters.values()
    if any(kind.kind is Parameter.VAR_KEYWORD for kind in kinds):
        return None
    return frozenset(kind.name for kind in kinds)
