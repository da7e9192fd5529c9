"""A copy of the model that attribution methods may do what they want with."""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn


def explainable_copy(model: nn.Module, device: torch.device | str) -> nn.Module:
    """A copy in eval mode, nothing in place, on a device; the model itself is not touched.

    In train mode integrated gradients would move BatchNorm's statistics; in-place activations
    overwrite the maps that hooks look at.

    Args:
        model: Any module.
        device: Where the copy shall be.
    """
    with gradients():
        twin = copy.deepcopy(model).to(device).eval()
        for module in twin.modules():
            if hasattr(module, "inplace"):
                setattr(module, "inplace", False)  # noqa: B010 (no class declares it)
        # Gradients flow to the input and the maps; none are kept for the weights.
        return twin.requires_grad_(False)


def one_use_each(model: nn.Module, image: Tensor) -> nn.Module:
    """A copy in which no module without weights is used twice in a pass; its weights are shared.

    torchvision's ResNets use one ReLU several times. DeepLift keeps what went into a module at the
    module itself, so it needs one for each use.

    Args:
        model: A module in eval mode, whose passes always take the same way.
        image: One input, float (1, 3, H, W), on the model's device, to see the uses by.

    Returns:
        The copy; where a module was used k times stands a `Turns` of k.
    """
    tensors = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    twin = copy.deepcopy(model, memo=tensors)
    plain = [m for m in twin.modules() if not any(m.children()) and not m.state_dict()]
    uses: Counter[nn.Module] = Counter()

    def count(module: nn.Module, *_: object) -> None:
        uses[module] += 1

    handles = [module.register_forward_hook(count) for module in plain]
    try:
        with torch.no_grad():
            twin(image)
    finally:
        for handle in handles:
            handle.remove()
    turns = {module: Turns(module, times) for module, times in uses.items() if times > 1}
    for parent in list(twin.modules()):
        # Not `named_children`, which leaves out the second name of a child.
        for name, child in list(parent._modules.items()):
            if child in turns:
                setattr(parent, name, turns[child])
    twin.register_forward_pre_hook(_restarting(list(turns.values())))
    return twin


class Turns(nn.Module):
    """Copies of a module that take turns: each call of a pass goes to the next one.

    Args:
        module: What is copied.
        times: How many calls a pass has.
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
    """Gradients, also inside Lightning's test hooks, which run in inference mode."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def fresh(images: Tensor, device: torch.device | str) -> Tensor:
    """A normal tensor with the images' values: those made in inference mode cannot have gradients.

    Must be called inside `gradients`.
    """
    return images.detach().clone().to(device)
