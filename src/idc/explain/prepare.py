"""A copy of the model that attribution methods may do what they want with."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

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
