"""Patches in memory to batches of tensors."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from idc.data.augment import Augmentation


class Batch(TypedDict):
    """A batch of patches.

    Attributes:
        image: uint8 (n, 3, H, W), RGB.
        label: int64 (n,).
        row: int64 (n,), each sample's row in the index.
    """

    image: Tensor
    label: Tensor
    row: Tensor


class _Mapped(NamedTuple):
    """Where a mapped array lies: the arguments of `numpy.memmap`."""

    filename: Any
    dtype: Any
    mode: Any
    offset: int
    shape: tuple[int, ...]


class PatchDataset(Dataset[Batch]):
    """The patches of one side of the split.

    It reads whole batches (``__getitems__``) and returns them collated: use `as_is` as the
    loader's collate function.

    Args:
        patches: uint8 (N, P, P, 3), the whole store; not copied.
        labels: int64 (N,), of the whole store.
        rows: int64 (n,), the rows of the store that belong to this side.
        augmentation: Applied to every patch, or None.
    """

    def __init__(
        self,
        patches: NDArray[np.uint8],
        labels: NDArray[np.int64],
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
        state = dict(self.__dict__)
        patches = self.patches
        if isinstance(patches, np.memmap) and patches.filename is not None:
            place = (patches.filename, patches.dtype, "r", patches.offset, patches.shape)
            state["patches"] = _Mapped(*place)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(mapped := state["patches"], _Mapped):
            state["patches"] = np.memmap(*mapped)
        self.__dict__.update(state)

    def __getitem__(self, key: int) -> Batch:
        return self.__getitems__([key])

    def __getitems__(self, keys: Sequence[int]) -> Batch:
        rows = self.rows[np.asarray(keys) % len(self.rows)]
        images = self.patches[rows]
        if self.augmentation is not None:
            images = self.augmentation(images, keys[0])
        return {
            # A view: NHWC memory is what channels_last wants, so nothing is moved.
            "image": torch.from_numpy(images).permute(0, 3, 1, 2),
            "label": torch.from_numpy(self.labels[rows]),
            "row": torch.from_numpy(rows),
        }


def as_is(batch: Any) -> Any:
    """Collate function of a data set that returns batches."""
    return batch
