"""A sample of patches, and what modules of a network give for some, batch by batch."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.attribution.prepare import MapLayout, as_images, explainable_copy, gradients, hooked

BATCH = 256


def module_outputs(
    network: nn.Module,
    patches: NDArray[np.uint8],
    rows: NDArray[np.integer],
    names: Sequence[str],
    batch_size: int = BATCH,
    device: torch.device | str = "cpu",
) -> Iterator[dict[str, Tensor]]:
    """The last vectors or maps, (n, C, h, w), of some modules, one batch after the other.

    Args:
        network: float (N, 3, H, W) in [0, 1] to logits; copied, and left as it is.
        patches: uint8 (N, H, W, 3), the whole store; may be a memory map.
        rows: int (n,), the rows to compute, in this order.
        names: Names of modules of the network.
        batch_size: Patches at once; results do not depend on it.
        device: Where to compute.

    Yields:
        Name to output; only valid until the next.
    """
    model = explainable_copy(network, device)
    layout = MapLayout.of(model)
    seen: dict[str, Tensor] = {}

    def keep(name: str, output: object) -> None:
        vectors = isinstance(output, Tensor) and output.ndim == 2
        value = output if vectors else layout.as_map(output)
        if isinstance(value, Tensor):
            # A copy: a residual sum is added in place, into a map that was seen before it.
            seen[name] = value.detach().clone()

    with hooked(model, names, keep):
        for start in range(0, len(rows), batch_size):
            part = np.asarray(patches[np.asarray(rows[start : start + batch_size])])
            # Within the loop: a generator that pauses must not leave its caller in another mode.
            with gradients(), torch.no_grad():
                model(as_images(part, device))
            yield seen


def embeddings(
    network: nn.Module,
    patches: NDArray[np.uint8],
    rows: NDArray[np.integer],
    batch_size: int = BATCH,
    device: torch.device | str = "cpu",
) -> NDArray[np.float32]:
    """The output of ``network.backbone`` for some patches, float32 (n, F); see `module_outputs`.

    All are in memory at once: sample the rows of a large set first.
    """
    batches = module_outputs(network, patches, rows, ["backbone"], batch_size, device)
    return np.concatenate([seen["backbone"].float().cpu().numpy() for seen in batches])


def balanced_sample(
    count: int,
    max_points: int,
    seed: int,
    patients: NDArray[Any] | None = None,
    labels: NDArray[np.integer] | None = None,
) -> NDArray[np.int64]:
    """Choose patches, as equally many of each patient as there are, the labels in proportion.

    Patients with few patches give all they have and the others share the rest evenly. Within a
    patient, labels are kept in the patient's own proportion (a systematic sample). Without
    patients, (count,), all are one; without labels, int (count,), these are not looked at.

    Returns:
        Sorted positions, int64 (min(count, max_points),).
    """
    if count <= max_points:
        return np.arange(count)
    rng = np.random.default_rng(seed)
    codes = np.zeros(count, np.int64)
    if patients is not None:
        codes = np.unique(np.asarray(patients, str), return_inverse=True)[1]
    order = np.lexsort((rng.random(count), np.zeros(count) if labels is None else labels, codes))
    sizes = np.bincount(codes)
    parts = []
    for part, share in zip(
        np.split(order, np.cumsum(sizes)[:-1]), _shares(sizes, max_points, rng), strict=True
    ):
        # Evenly spaced places, from a random start, in the patches sorted by label.
        places = (np.arange(share) + rng.random()) * len(part) / max(share, 1)
        parts.append(part[places.astype(np.int64)])
    return np.sort(np.concatenate(parts))


def _shares(sizes: NDArray[np.int64], total: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Numbers per patient: as equal as possible, within the sizes, `total` in all."""
    level = 0
    while np.minimum(sizes, level + 1).sum() <= total:
        level += 1
    shares = np.minimum(sizes, level)
    larger = np.flatnonzero(sizes > level)
    shares[rng.permutation(larger)[: total - shares.sum()]] += 1
    return shares
