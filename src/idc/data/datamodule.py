"""The loaders of an experiment."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

import albumentations as A
import cv2
import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler

from idc.data.augment import Augmentation
from idc.data.dataset import Batch, Labels, PatchDataset, hand_over
from idc.data.device.augmentation import DeviceAugmentation
from idc.data.index import WEIGHT, class_members, is_multi_label
from idc.data.resident import ResidentLoader, ResidentStore
from idc.data.sampler import EpochSampler, Sampling, sampling_weights
from idc.runtime.cores import count_cores

Loader = DataLoader[Batch] | ResidentLoader
MAX_WORKERS = 8
# Forked workers share the patches without a copy and start at once; macOS cannot fork safely.
START_METHOD = "fork" if sys.platform == "linux" else "spawn"


class PatchDataModule(pl.LightningDataModule):
    """Patches, their index with the split, and how they become batches.

    Args:
        patches: uint8 (N, P, P, 3), row for row with `index`.
        index: The index with ``label`` (and ``labels``, if images may have several) and ``split``.
        class_names: One name per class, in the order of the labels.
        transforms: albumentations transforms for training patches; empty for none.
        device: ``cpu`` augments patch by patch in worker processes; ``gpu`` keeps the patches
            where the model is and augments batches there.
        batch_size: Patches a training step and process.
        eval_batch_size: Patches a step without gradients.
        num_workers: Processes that augment training patches, or ``auto``: half the cores on a
            GPU, an eighth of them on a CPU; 8 at most.
        sampler: ``shuffle``: each patch once an epoch; or draws with replacement: ``balanced``
            (classes equally often; of several labels each of them, and none), ``patients`` (these
            equally often), ``balanced_patients`` (classes, and in each class its patients). If the
            index has weights, patches are drawn by them, within what is drawn equally often.
        seed: The run's seed: order and augmentation depend on it and the epoch alone.
    """

    def __init__(
        self,
        patches: NDArray[np.uint8],
        index: pd.DataFrame,
        class_names: Sequence[str],
        transforms: Sequence[A.BasicTransform | A.BaseCompose] = (),
        device: Literal["cpu", "gpu"] = "cpu",
        batch_size: int = 64,
        eval_batch_size: int = 256,
        num_workers: int | Literal["auto"] = "auto",
        sampler: Sampling = "shuffle",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.patches = patches
        self.index = index
        self.class_names = tuple(class_names)
        self.members = class_members(index, class_names)
        self.multi_label = is_multi_label(index)
        self.labels: Labels = np.array(index["label"], np.int64)  # its own: a column is read-only
        if self.multi_label:
            self.labels = self.members.astype(np.float32)
        self.resident = device == "gpu"
        kind = DeviceAugmentation if self.resident else Augmentation
        self.augmentation = kind(transforms, seed) if transforms else None
        self.device = torch.device("cpu")
        self._store: ResidentStore | None = None
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.num_workers = num_workers
        self.sampler = sampler
        self.seed = seed
        # How many times `batch_size` a training batch has, by the epoch.
        self.batch_factor: Callable[[int], int] = _once

    def count_workers(self) -> int:
        """Processes that augment training patches for this trainer."""
        if self.num_workers != "auto":
            return self.num_workers
        # Patches are already decoded: without augmentation a worker only adds a copy.
        if self.augmentation is None or self.resident:
            return 0
        on_gpu = self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"
        # On a CPU the cores are the network's, and a worker that takes one makes all the others
        # wait at the end of each layer: see benchmarks/step_cpu.py.
        return min(MAX_WORKERS, count_cores() // (2 if on_gpu else 8))

    def rows(self, split: str) -> NDArray[np.int64]:
        """The index's rows of ``train``, ``val`` or ``test``, int64 (n,)."""
        return np.flatnonzero(self.index["split"].to_numpy() == split).astype(np.int64)

    def train_class_counts(self) -> NDArray[np.int64]:
        """Training patches a class, int64 (k,); of several labels, those that have each."""
        counts: NDArray[np.int64] = self.members[self.rows("train")].sum(0)
        return counts

    def channel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of the training patches a channel, in [0, 1]."""
        rows = self.rows("train")
        total, squares, pixels = np.zeros(3), np.zeros(3), 0
        for start in range(0, len(rows), 4096):
            block = self.patches[rows[start : start + 4096]].reshape(-1, 3) / 255.0
            total += block.sum(0)
            squares += (block**2).sum(0)
            pixels += len(block)
        mean = total / pixels
        return tuple(mean), tuple(np.sqrt(squares / pixels - mean**2))

    def train_dataloader(self) -> Loader:
        """Training batches: in the sampler's order, augmented, of one full size each."""
        rows = self.rows("train")
        own = self.index[WEIGHT].to_numpy(np.float64)[rows] if WEIGHT in self.index else None
        patients = pd.factorize(self.index["patient"].to_numpy()[rows])[0]
        weights = sampling_weights(self.sampler, self.members[rows], patients, own)
        rank, world = self._ranks()
        sampler = EpochSampler(len(rows), self.seed, weights, rank, world)
        epoch = self.trainer.current_epoch if self.trainer else 0
        size = self.batch_size * self.batch_factor(epoch)
        # A last batch of one patch breaks BatchNorm and weighs as much as a full one.
        drop_last = len(rows) // world >= size
        return self._loader(rows, sampler, size, self.augmentation, drop_last)

    def count_batches(self, world: int = 1, epoch: int = 0) -> int:
        """Training batches of an epoch and process, of `world` processes."""
        share = -(-len(self.rows("train")) // world)
        return share // (self.batch_size * self.batch_factor(epoch)) or 1

    def augment(self, patches: NDArray[np.uint8], key: int) -> NDArray[np.uint8]:
        """What training would make of patches: uint8 (n, H, W, 3) to the same, on the CPU.

        Args:
            patches: uint8 (n, H, W, 3).
            key: What the draws depend on, beside the seed.
        """
        if isinstance(self.augmentation, DeviceAugmentation):
            images = torch.from_numpy(patches).permute(0, 3, 1, 2)
            return self.augmentation(images, key).permute(0, 2, 3, 1).numpy()
        return patches if self.augmentation is None else self.augmentation(patches, key)

    def val_dataloader(self) -> Loader:
        """Validation batches, in the index's order, each patch once over all ranks."""
        return self.eval_dataloader("val", *self._ranks())

    def eval_dataloader(self, split: str, rank: int = 0, world: int = 1) -> Loader:
        """Batches of one split, unaugmented, in the index's order."""
        rows = self.rows(split)
        # Every patch exactly once over all ranks, none repeated to fill up.
        return self._loader(rows, range(rank, len(rows), world), self.eval_batch_size)

    def _resident_store(self) -> ResidentStore:
        """The patches on the trainer's device; on the CPU without a trainer."""
        at = self.trainer.strategy.root_device if self.trainer else self.device
        if self._store is None or (self.trainer and self._store.device != at):
            self._store = ResidentStore(self.patches, self.labels, at)
        return self._store

    def _ranks(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _loader(
        self,
        rows: NDArray[np.int64],
        sampler: Sampler[int] | range,
        batch_size: int,
        augmentation: Any = None,
        drop_last: bool = False,
    ) -> Loader:
        if self.resident:
            store = self._resident_store()
            return ResidentLoader(store, rows, sampler, batch_size, augmentation, drop_last)
        count = 0 if augmentation is None else self.count_workers()
        if count:
            cv2.setNumThreads(1)  # its threads would be missing in forked workers, which then hang
        return DataLoader(
            PatchDataset(self.patches, self.labels, rows, augmentation),
            batch_size=batch_size,
            sampler=sampler,
            drop_last=drop_last,
            num_workers=count,
            # Named, for a process that joblib has started has a default of its own, which fails.
            multiprocessing_context=START_METHOD if count else None,
            persistent_workers=count > 0,
            prefetch_factor=4 if count else None,
            pin_memory=torch.cuda.is_available(),
            collate_fn=hand_over,
        )


def _once(epoch: int) -> int:
    return 1
