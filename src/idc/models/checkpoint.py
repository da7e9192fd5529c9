"""Loading a run's checkpoint, complete and undamaged, or refusing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from idc.config.stored import PLACE
from idc.errors import CheckpointError
from idc.models.weights import safe_load
from idc.runtime.digests import KEY, is_intact

NETWORK = "network."
# What Lightning needs to continue training.
STATE = {
    "epoch": int,
    "global_step": int,
    "pytorch-lightning_version": str,
    "state_dict": Mapping,
    "loops": Mapping,
    "callbacks": Mapping,
    "optimizer_states": list,
    "lr_schedulers": list,
}


@dataclass(frozen=True)
class Checkpoint:
    """A complete, undamaged checkpoint.

    Attributes:
        path: Its file.
        what: The option that names it and the file, for messages.
        content: Tensors and plain containers.
    """

    path: Path
    what: str
    content: Mapping[str, Any]

    def network_state(self) -> dict[str, Tensor]:
        """The weights of the network, by parameter name.

        Raises:
            CheckpointError: There are none, or they hold a value that is not finite.
        """
        state = self.content.get("state_dict")
        if not isinstance(state, Mapping):
            raise CheckpointError(f"{self.what} holds no weights (state_dict).")
        weights = {
            str(k).removeprefix(NETWORK): v
            for k, v in state.items()
            if isinstance(v, Tensor) and str(k).startswith(NETWORK)
        }
        if lacking := {"mean", "std"} - weights.keys():
            raise CheckpointError(
                f"{self.what} holds no weights of an idc run: it lacks {min(lacking)}."
            )
        for name, value in weights.items():
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                raise CheckpointError(
                    f"{self.what}: the weights {name} hold values that are not finite numbers, so "
                    f"its predictions would be meaningless. Use another checkpoint."
                )
        return weights


def load_checkpoint(path: Path, what: str, to_train: bool = False) -> Checkpoint:
    """Load a checkpoint that has the digest it was saved with.

    Args:
        path: The file.
        what: The option that names it, for messages: ``resume``, ``run=ID``.
        to_train: Whether training shall continue from it.

    Raises:
        CheckpointError: It is missing, damaged, of another program, could run code when loaded, or
            lacks what its use needs.
    """
    content = safe_load(path, what)
    what = f"{what}: {path}"
    try:
        intact = is_intact(content)
    except (RecursionError, RuntimeError, TypeError) as error:
        raise CheckpointError(
            f"{what} is not a checkpoint of idc: its content has another structure."
        ) from error
    if KEY not in content and PLACE in content:
        raise CheckpointError(
            f"{what} has no digest that would show damage: an older version of idc made it, or "
            f"it was changed since. Train again, or use that version."
        )
    if KEY in content and not intact:
        raise CheckpointError(
            f"{what} is damaged: its content differs from what was saved (by the digest). Use "
            f"another copy, or another checkpoint of the run."
        )
    for name, kind in STATE.items() if to_train and PLACE in content else ():
        if not isinstance(content.get(name), kind):
            raise CheckpointError(
                f"{what}: training cannot continue from it: it holds no usable {name}."
            )
    return Checkpoint(path, what, content)
