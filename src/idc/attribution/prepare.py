"""Copies of a model that attribution methods may change."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
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
        # With channels last in memory, convolutions on a CPU are faster (MobileNets: by a third).
        copied = copy.deepcopy(model).to(device).to(memory_format=torch.channels_last).eval()
        for module in copied.modules():
            if hasattr(module, "inplace"):
                setattr(module, "inplace", False)  # noqa: B010 (no class declares it)
        # Gradients flow to the input and the maps; none are kept for the weights.
        return copied.requires_grad_(False)


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


def as_images(patches: NDArray[np.uint8], device: torch.device | str) -> Tensor:
    """Patches, uint8 (n, H, W, 3), as float (n, 3, H, W) in [0, 1]; called inside `gradients`."""
    return fresh(torch.tensor(patches).permute(0, 3, 1, 2), device).float() / 255
