"""Patches in memory to batches of tensors."""

from collections.abc import Sequence
from mmap import mmap
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from idc.data.augment import Augmentation

Labels = NDArray[np.int64] | NDArray[np.float32]


class Batch(TypedDict):
    """A batch of patches.

    Attributes:
        image: uint8 (n, 3, H, W), RGB.
        label: int64 (n,), the class; float32 (n, k), 1 for each label that the image has, where it
            may have several.
        row: int64 (n,), each sample's row in the index.
    """

    image: Tensor
    label: Tensor
    row: Tensor


class PatchDataset(Dataset[Batch]):
    """The patches of one split.

    It reads whole batches (``__getitems__``) and returns them collated: use `hand_over` as the
    loader's collate function.

    Args:
        patches: uint8 (N, P, P, 3), the whole store; not copied.
        labels: int64 (N,), or float32 (N, k), of the whole store; see `Batch`.
        rows: int64 (n,), the rows of the store that belong to this split.
        augmentation: Applied to every patch, or None.
    """

    def __init__(
        self,
        patches: NDArray[np.uint8],
        labels: Labels,
        rows: NDArray[np.int64],
        augmentation: Augmentation | None = None,
    ) -> None:
        self.patches = patches
        self.labels = labels
        self.rows = rows
        self.augmentation = augmentation

    def __len__(self) -> int:
        return len(self.rows)

    def __getstate__(self) -> dict[str, Any]:
        """What a spawned worker gets: of a mapped store its file's name, not a copy of it all."""
        patches = self.patches
        base: object = patches.base
        # A view of a mapped array still tells the offset of the whole.
        if not isinstance(patches, np.memmap) or not isinstance(base, mmap):
            return self.__dict__
        place = (patches.filename, patches.dtype, "r", patches.offset, patches.shape)
        return {**self.__dict__, "patches": place}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(place := state["patches"], tuple):
            state["patches"] = np.memmap(*place)
        self.__dict__.update(state)

    def __getitem__(self, key: int) -> Batch:
        return self.__getitems__([key])

    def __getitems__(self, keys: Sequence[int]) -> Batch:
        rows = self.rows[np.asarray(keys) % len(self.rows)]
        images = _empty((len(rows), *self.patches.shape[1:]))
        if self.augmentation is None:
            np.take(self.patches, rows, axis=0, out=images.numpy(), mode="clip")
        else:
            self.augmentation(self.patches[rows], keys[0], images.numpy())
        return {
            # A view: NHWC memory is what channels_last wants, so nothing is moved.
            "image": images.permute(0, 3, 1, 2),
            "label": torch.from_numpy(self.labels[rows]),
            "row": torch.from_numpy(rows),
        }


def hand_over(batch: Any) -> "Batch | Parcel":
    """Collate function of a data set that returns batches; in a worker it packs them."""
    return batch if get_worker_info() is None else Parcel(batch)


class Parcel:
    """A batch on its way from a worker.

    A tensor costs a shared file and a handshake of two processes, whatever its size; so only the
    pixels travel as one, and labels and rows with the message.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __reduce__(self) -> tuple[Any, ...]:
        """Arrives as a `Batch`."""
        batch = self.batch
        return _unpack, (batch["image"], batch["label"].numpy(), batch["row"].numpy())


def _unpack(image: Tensor, label: Labels, row: NDArray[np.int64]) -> Batch:
    return {"image": image, "label": torch.from_numpy(label), "row": torch.from_numpy(row)}


def _empty(shape: tuple[int, ...]) -> Tensor:
    """An uint8 tensor; a worker's lies in shared memory from the start, so it is never copied."""
    if get_worker_info() is None:
        return torch.empty(shape, dtype=torch.uint8)
    size = int(np.prod(shape))
    # What torch's own collate function does in a worker.
    storage = torch.UntypedStorage._new_shared(size)  # type: ignore[no-untyped-call]
    return torch.empty(0, dtype=torch.uint8).set_(storage).view(shape)
