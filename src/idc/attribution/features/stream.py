"""Patches, batch by batch, as networks take them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from idc.data.dataset import Batch


def in_batches(
    patches: NDArray[np.uint8],
    labels: NDArray[np.integer],
    rows: NDArray[np.integer],
    batch_size: int,
) -> "Iterator[Batch]":
    """Read some rows of a store, a batch at a time.

    Args:
        patches: uint8 (N, H, W, 3), the whole store; may be a memory map.
        labels: int (N,), of the whole store.
        rows: int (n,), the rows to read, in this order.
        batch_size: Patches at once.

    Yields:
        ``image`` uint8 (b, 3, H, W), ``label`` int64 (b,), ``row`` int64 (b,).
    """
    for start in range(0, len(rows), batch_size):
        part = np.array(rows[start : start + batch_size], np.int64)  # a tensor needs one of its own
        image = torch.from_numpy(np.ascontiguousarray(patches[part])).permute(0, 3, 1, 2)
        label = torch.from_numpy(np.asarray(labels[part], np.int64))
        yield {"image": image, "label": label, "row": torch.from_numpy(part)}


def as_input(images: Tensor, device: torch.device | str) -> Tensor:
    """Images, uint8 (n, 3, H, W), as float in [0, 1] on a device."""
    return images.detach().to(device).float() / 255
