"""Batches from patches that live on the device, or beside it in host memory if they do not fit.

A patch of 50x50 is 7.5 kB: 277,524 of them are 2.1 GB as uint8, a few percent of a data-centre GPU.
Once they are there, a batch costs one gather: no worker processes, no copy of pixels in each step,
no wait.
"""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from idc.data.dataset import Batch, Labels
from idc.data.device.augmentation import DeviceAugmentation

log = logging.getLogger(__name__)
LIMIT = 0.5  # largest share of the free memory of a GPU that the patches may take
CHUNK = 64 * 2**20  # bytes of patches on their way to the device


class ResidentStore:
    """All patches and labels, placed once.

    On a GPU the patches lie in its memory if they fit, else they stay where they are in the host's
    and each batch is gathered into a pinned buffer. (To pin the whole store would not make that
    gather faster, and PyTorch rounds pinned blocks up to a power of two.) On a CPU the
    array itself is used, without a copy.

    Args:
        patches: uint8 (N, H, W, 3), a `numpy.memmap` or not.
        labels: int64 (N,) or float32 (N, k); see `Batch`.
        device: Where batches are needed.

    Attributes:
        resident: Whether the patches lie on `device`.
    """

    def __init__(
        self, patches: NDArray[np.uint8], labels: Labels, device: torch.device | str
    ) -> None:
        self.device = torch.device(device)
        self.host = patches
        self.labels = torch.from_numpy(labels).to(self.device)
        fits = self.device.type == "cuda" and patches.nbytes <= LIMIT * _free(self.device)
        self.resident = fits or self.device.type == "cpu"
        place = str(self.device) if self.resident else f"host memory, beside {self.device}"
        log.info("patches: %.2f GB as uint8 in %s", patches.nbytes / 1e9, place)
        self.patches = _copy(patches, self.device) if fits else None

    def gather(self, rows: NDArray[np.int64], on_device: Tensor) -> Tensor:
        """The patches of some rows, on the device.

        Args:
            rows: int64 (n,).
            on_device: The same rows on the device.

        Returns:
            uint8 (n, 3, H, W), a view of NHWC memory.
        """
        if self.patches is not None:
            pixels = self.patches.index_select(0, on_device)
        elif self.device.type == "cuda":
            pixels = self._gather_pinned(rows)
        else:
            pixels = torch.from_numpy(self.host[rows]).to(self.device)
        return pixels.permute(0, 3, 1, 2)

    def _gather_pinned(self, rows: NDArray[np.int64]) -> Tensor:
        # A new buffer for each batch, from PyTorch's caching host allocator: it marks a block that
        # an asynchronous copy reads with a CUDA event and hands it out again only after that event.
        # So no batch overwrites one that is still being copied, and nothing waits.
        buffer = torch.empty((len(rows), *self.host.shape[1:]), dtype=torch.uint8, pin_memory=True)
        np.take(self.host, rows, axis=0, out=buffer.numpy(), mode="clip")
        return buffer.to(self.device, non_blocking=True)


class ResidentLoader:
    """Batches of one split, on the device, in the order that a DataLoader gives them.

    It stands in for ``DataLoader(PatchDataset(...), batch_size, sampler=sampler)``: the same keys,
    the same batches, and Lightning sets the epoch of its `sampler`.

    Args:
        store: All patches.
        rows: int64 (n,), the rows of the store that belong to this split.
        sampler: Gives keys, ``epoch * n + place in rows``; see `idc.data.sampler`.
        batch_size: Patches a batch, >= 1.
        augmentation: Applied to every batch, keyed by its first key; or None.
        drop_last: Leave out a last batch that is not full.
    """

    batch_sampler = None  # Lightning looks for it wherever there is a sampler

    def __init__(
        self,
        store: ResidentStore,
        rows: NDArray[np.int64],
        sampler: Sampler[int] | range,
        batch_size: int,
        augmentation: DeviceAugmentation | None = None,
        drop_last: bool = False,
    ) -> None:
        self.store = store
        self.rows = rows
        self.sampler: Any = sampler  # of a length, which torch's type does not promise
        self.batch_size = batch_size
        self.augmentation = augmentation
        self.drop_last = drop_last

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        keys = np.fromiter(self.sampler, np.int64, len(self.sampler))
        rows = self.rows[keys % len(self.rows)]
        # The whole epoch's order at once: a copy of two megabytes in place of one a step.
        on_device = torch.from_numpy(rows).to(self.store.device)
        for i in range(len(self)):
            part = slice(i * self.batch_size, (i + 1) * self.batch_size)
            yield self._batch(int(keys[part][0]), rows[part], on_device[part])

    def _batch(self, key: int, rows: NDArray[np.int64], on_device: Tensor) -> Batch:
        images = self.store.gather(rows, on_device)
        if self.augmentation is not None:
            images = self.augmentation(images, key)
        labels = self.store.labels.index_select(0, on_device)
        return {"image": images, "label": labels, "row": on_device}


def _free(device: torch.device) -> int:
    """Free memory of a GPU in bytes, what PyTorch holds without need included."""
    free, _ = torch.cuda.mem_get_info(device)
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return free + idle


def _copy(patches: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Copy to a GPU by way of one pinned buffer: pages of a file cannot be pinned in place."""
    out = torch.empty(patches.shape, dtype=torch.uint8, device=device)
    per_chunk = min(len(patches), max(1, CHUNK // max(1, patches[:1].nbytes)))
    buffer = torch.empty((per_chunk, *patches.shape[1:]), dtype=torch.uint8, pin_memory=True)
    for start in range(0, len(patches), per_chunk):
        part = patches[start : start + per_chunk]
        buffer.numpy()[: len(part)] = part
        # This waits: the buffer is filled again next.
        out[start : start + len(part)].copy_(buffer[: len(part)])
    return out
