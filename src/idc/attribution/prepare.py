"""Copies of a model that attribution methods may change."""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn


def explainable_copy(model: nn.Module, device: torch.device | str) -> nn.Module:
    """Copy a model to a device, in eval mode and without in-place operations.

    In train mode integrated gradients would move BatchNorm's statistics; in-place activations
    overwrite the maps that hooks look at.

    Args:
        model: Any module.
        device: Device of the copy.
    """
    with gradients():
        copied = copy.deepcopy(model).to(device).eval()
        for module in copied.modules():
            if hasattr(module, "inplace"):
                setattr(module, "inplace", False)  # noqa: B010 (no class declares it)
        # Gradients flow to the input and the maps; none are kept for the weights.
        return copied.requires_grad_(False)


def one_use_each(model: nn.Module, image: Tensor) -> nn.Module:
    """Copy a model so that no module without weights is used twice in a pass; weights are shared.

    torchvision's ResNets use one ReLU several times. DeepLift stores the input of a module at the
    module itself, so it needs one module for each use.

    Args:
        model: A module in eval mode, whose passes always call the same modules.
        image: One input, float (1, 3, H, W), on the model's device, to count the uses with.

    Returns:
        The copy; a module that is used k times is replaced by a `Turns` of k.
    """
    tensors = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    copied = copy.deepcopy(model, memo=tensors)
    plain = [m for m in copied.modules() if not any(m.children()) and not m.state_dict()]
    uses: Counter[nn.Module] = Counter()

    def count(module: nn.Module, *_: object) -> None:
        uses[module] += 1

    handles = [module.register_forward_hook(count) for module in plain]
    try:
        with torch.no_grad():
            copied(image)
    finally:
        for handle in handles:
            handle.remove()
    turns = {module: Turns(module, times) for module, times in uses.items() if times > 1}
    for parent in list(copied.modules()):
        # Not `named_children`, which leaves out the second name of a child.
        for name, child in list(parent._modules.items()):
            if child in turns:
                setattr(parent, name, turns[child])
    copied.register_forward_pre_hook(_restarting(list(turns.values())))
    return copied


class Turns(nn.Module):
    """Copies of a module that are called in turn within a pass.

    Args:
        module: The module to copy.
        times: Calls per pass.
    """

    def __init__(self, module: nn.Module, times: int) -> None:
        super().__init__()
        self.copies = nn.ModuleList(copy.deepcopy(module) for _ in range(times))
        self.turn = 0

    def forward(self, x: Tensor) -> Any:
        """The output of the copy whose turn it is."""
        chosen = self.copies[self.turn]
        self.turn += 1
        return chosen(x)


def _restarting(turns: list[Turns]) -> Callable[..., None]:
    def restart(*_: object) -> None:
        for each in turns:
            each.turn = 0

    return restart


@contextmanager
def gradients() -> Iterator[None]:
    """Enable gradients, also inside Lightning's test hooks, which run in inference mode."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def fresh(images: Tensor, device: torch.device | str) -> Tensor:
    """Copy images to a normal tensor: those made in inference mode cannot have gradients.

    Must be called inside `gradients`.
    """
    return images.detach().clone().to(device)
