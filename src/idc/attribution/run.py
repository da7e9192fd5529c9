"""Several methods over some patches, in batches, the model left as it was."""

import dataclasses
import gc
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.attribution.methods import Attributions, Method, OnLayer
from idc.attribution.prepare import explainable_copy, fresh, gradients
from idc.errors import ConfigError

log = logging.getLogger(__name__)

Advance = Callable[[int], None]


def explain(
    model: nn.Module,
    patches: NDArray[np.uint8],
    targets: NDArray[np.int64],
    methods: Mapping[str, Method],
    batch_size: int = 16,
    device: torch.device | str = "cpu",
    advance: Advance | None = None,
) -> dict[str, Attributions]:
    """Explain the logit of a class in each patch.

    Args:
        model: float (N, 3, H, W) in [0, 1] to logits (N, k). It is copied and stays as it is, in
            mode, statistics, gradients and hooks.
        patches: uint8 (N, H, W, 3).
        targets: int64 (N,), the class to explain.
        methods: Name to method.
        batch_size: Patches at once; results do not depend on it. Halved where memory runs out.
        device: Where to compute.
        advance: Called with a number of patches when a method is through with them; together they
            are ``len(patches) * len(methods)``.

    Returns:
        Name to the maps of all patches.

    Raises:
        ConfigError: A method does not fit the network or the patches, or not even one patch fits
            the device's memory.
    """
    twin = explainable_copy(model, device)
    return {
        name: run_method(method, twin, patches, targets, batch_size, device, advance, name)
        for name, method in methods.items()
    }


def run_method(
    method: Method,
    twin: nn.Module,
    patches: NDArray[np.uint8],
    targets: NDArray[np.int64],
    batch_size: int = 16,
    device: torch.device | str = "cpu",
    advance: Advance | None = None,
    name: str = "",
) -> Attributions:
    """One method over some patches, with a model that is a copy already.

    Args:
        method: The method.
        twin: From `explainable_copy`, on the device.
        patches: uint8 (N, H, W, 3).
        targets: int64 (N,), the class to explain.
        batch_size: Patches at once.
        device: Where the twin is.
        advance: As in `explain`.
        name: The method's name, for messages.

    Returns:
        The maps of all patches; without patches no maps and an empty source.

    Raises:
        ConfigError: As in `explain`.
    """
    if not len(patches):
        return Attributions(np.empty(patches.shape[:3], np.float32), "")
    parts: list[Attributions] = []
    with gradients():
        if isinstance(method, OnLayer):
            method = cast(Method, method.settled(twin, _images(patches[:1], device)))
        start = 0
        while start < len(patches):
            rows = slice(start, start + batch_size)
            wanted = torch.tensor(targets[rows]).to(device)
            part = None
            with suppress(torch.OutOfMemoryError):
                part = method(twin, _images(patches[rows], device), wanted)
            if part is None:
                # Not where the error is still held, and with it what the method had in memory.
                method, batch_size = _smaller(method, len(wanted), name, device)
                continue
            parts.append(part)
            start += len(wanted)
            if advance is not None:
                advance(len(wanted))
    errors = [part.error for part in parts if part.error is not None]
    return Attributions(
        np.concatenate([part.maps for part in parts]),
        parts[0].source,
        np.concatenate(errors) if errors else None,
        parts[0].note,
    )


def _images(patches: NDArray[np.uint8], device: torch.device | str) -> Tensor:
    """Patches, uint8 (n, H, W, 3), as float (n, 3, H, W) in [0, 1].

    In memory the channels stay last: convolutions on a CPU are faster so (MobileNetV3: by half).
    """
    return fresh(torch.tensor(patches).permute(0, 3, 1, 2), device).float() / 255


def _smaller(
    method: Method, batch_size: int, name: str, device: torch.device | str
) -> tuple[Method, int]:
    """What to try after memory ran out: half as many patches, and half as many inputs a pass."""
    rows = getattr(method, "rows_at_once", 1)
    if batch_size == 1 and rows == 1:
        raise ConfigError(
            f"explain: not even one patch at a time fits the memory of {device} with {name}. "
            f"Leave the method out, free the device, or explain on a CPU."
        )
    if rows > 1:
        smaller = {"rows_at_once": rows // 2}
        method = dataclasses.replace(method, **smaller)  # type: ignore[type-var]
    batch_size = max(1, batch_size // 2)
    log.warning(
        "explain: %s: the memory of %s is full; going on with %d patches at once",
        *(name, device, batch_size),
    )
    if torch.device(device).type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
    return method, batch_size
