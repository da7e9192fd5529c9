"""Several methods over some patches, in batches, the model left as it was."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.explain.methods import Attributions, Method
from idc.explain.prepare import explainable_copy, fresh, gradients


def explain(
    model: nn.Module,
    patches: NDArray[np.uint8],
    targets: NDArray[np.int64],
    methods: Mapping[str, Method],
    batch_size: int = 16,
    device: torch.device | str = "cpu",
) -> dict[str, Attributions]:
    """Explain the logit of a class in each patch.

    Args:
        model: float (N, 3, H, W) in [0, 1] to logits (N, k). It is copied and stays as it is, in
            mode, statistics, gradients and hooks.
        patches: uint8 (N, H, W, 3).
        targets: int64 (N,), the class to explain.
        methods: Name to method.
        batch_size: Patches at once; results do not depend on it.
        device: Where to compute.

    Returns:
        Name to the maps of all patches.
    """
    with gradients():
        twin = explainable_copy(model, device)
        images = torch.from_numpy(patches).permute(0, 3, 1, 2).float().contiguous() / 255
        return {
            name: _in_batches(method, twin, images, torch.tensor(targets), batch_size, device)
            for name, method in methods.items()
        }


def _in_batches(
    method: Method,
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    batch_size: int,
    device: torch.device | str,
) -> Attributions:
    parts = [
        method(
            model,
            fresh(images[start : start + batch_size], device),
            targets[start : start + batch_size].to(device),
        )
        for start in range(0, len(images), batch_size)
    ]
    errors = [part.error for part in parts if part.error is not None]
    return Attributions(
        np.concatenate([part.maps for part in parts]),
        parts[0].source,
        np.concatenate(errors) if errors else None,
    )
