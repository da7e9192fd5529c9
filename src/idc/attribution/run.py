"""Explain patches by several methods, in batches, without changing the model."""

import dataclasses
import gc
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from idc.attribution.methods import Attributions, Method, OnLayer
from idc.attribution.prepare import as_images, explainable_copy, gradients
from idc.errors import ConfigError

log = logging.getLogger(__name__)


def explain(
    model: nn.Module,
    patches: NDArray[np.uint8],
    targets: NDArray[np.int64],
    methods: Mapping[str, Method],
    batch_size: int = 16,
    device: torch.device | str = "cpu",
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, Attributions]:
    """Explain the logit of a class in each patch.

    Args:
        model: float (N, 3, H, W) in [0, 1] to logits (N, k). It is copied; its mode,
            statistics, gradients and hooks stay as they are.
        patches: uint8 (N, H, W, 3).
        targets: int64 (N,), the class to explain.
        methods: Name to method.
        batch_size: Patches at once; results do not depend on it. Halved where memory runs out.
        device: Where to compute.
        advance: Called with the number of patches that a method has finished; in all
            ``len(patches) * len(methods)``.

    Returns:
        Name to the maps of all patches.

    Raises:
        ConfigError: A method does not fit the network or the patches, or not even one patch fits
            the device's memory.
    """
    copied = explainable_copy(model, device)
    return {
        name: _run(name, method, copied, patches, targets, batch_size, device, advance)
        for name, method in methods.items()
    }


def _run(
    name: str,
    method: Method,
    model: nn.Module,
    patches: NDArray[np.uint8],
    targets: NDArray[np.int64],
    batch_size: int,
    device: torch.device | str,
    advance: Callable[[int], None],
) -> Attributions:
    """The maps of all patches by one method; without patches none, and an empty source."""
    if not len(patches):
        return Attributions(np.empty(patches.shape[:3], np.float32), "")
    parts: list[Attributions] = []
    with gradients():
        if isinstance(method, OnLayer):
            method = cast(Method, method.settled(model, as_images(patches[:1], device)))
        start = 0
        while start < len(patches):
            rows = slice(start, start + batch_size)
            classes = torch.tensor(targets[rows]).to(device)
            part = None
            with suppress(torch.OutOfMemoryError):
                part = method(model, as_images(patches[rows], device), classes)
            if part is None:
                # Outside the handler: the error would keep the method's tensors in memory.
                method, batch_size = _smaller(method, len(classes), name, device)
                continue
            parts.append(part)
            start += len(classes)
            advance(len(classes))
    errors = [part.error for part in parts if part.error is not None]
    return Attributions(
        np.concatenate([part.maps for part in parts]),
        parts[0].source,
        np.concatenate(errors) if errors else None,
        parts[0].note,
    )


def _smaller(
    method: Method, batch_size: int, name: str, device: torch.device | str
) -> tuple[Method, int]:
    """After memory ran out: half as many patches, and half as many inputs per pass."""
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
