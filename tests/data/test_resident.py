"""The resident loader gives what a DataLoader gives."""

import logging
from pathlib import Path

import albumentations as A
import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Sampler

from idc.data import resident
from idc.data.dataset import Batch, PatchDataset, hand_over
from idc.data.device.augmentation import DeviceAugmentation
from idc.data.resident import ResidentLoader, ResidentStore
from idc.data.sampler import EpochSampler, sampling_weights

rng = np.random.default_rng(0)
PATCHES = rng.integers(0, 256, (90, 12, 12, 3), np.uint8)
LABELS = rng.integers(0, 2, 90)
ROWS = np.sort(rng.permutation(90)[:70])
STORE = ResidentStore(PATCHES, LABELS, "cpu")


def loader(sampler: Sampler[int], drop_last: bool = False) -> "DataLoader[Batch]":
    dataset = PatchDataset(PATCHES, LABELS, ROWS)
    return DataLoader(dataset, 16, sampler=sampler, drop_last=drop_last, collate_fn=hand_over)


def assert_same(ours: list[Batch], theirs: list[Batch]) -> None:
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        for name in ("image", "label", "row"):
            assert torch.equal(a[name], b[name])
            assert a[name].dtype == b[name].dtype
        assert a["image"].stride() == b["image"].stride()


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(
    "sampler",
    [
        EpochSampler(70, 3),
        EpochSampler(70, 3, sampling_weights("balanced", LABELS[ROWS][:, None] == [0, 1], ROWS)),
        EpochSampler(70, 3, rank=1, world=3),
        range(1, 70, 2),
    ],
    ids=["shuffle", "balanced", "rank", "shard"],
)
def test_batches_are_the_data_loaders(sampler: Sampler[int], drop_last: bool) -> None:
    ours = ResidentLoader(STORE, ROWS, sampler, 16, drop_last=drop_last)
    theirs = loader(sampler, drop_last)
    for epoch in (0, 4):
        if isinstance(sampler, EpochSampler):
            ours.sampler.set_epoch(epoch)
        assert len(ours) == len(theirs)
        assert_same(list(ours), list(theirs))


def test_augmentation_is_keyed_by_the_batchs_first_key() -> None:
    augmentation = DeviceAugmentation([A.D4(p=1), A.RandomBrightnessContrast(p=0.5)], 9)
    sampler = EpochSampler(70, 3)
    sampler.set_epoch(2)
    keys = list(sampler)
    ours = ResidentLoader(STORE, ROWS, sampler, 16, augmentation)
    for i, (batch, plain) in enumerate(zip(ours, loader(sampler), strict=True)):
        assert torch.equal(batch["image"], augmentation(plain["image"], keys[16 * i]))
        assert torch.equal(batch["row"], plain["row"])


def test_epochs_differ_and_come_again() -> None:
    ours = ResidentLoader(STORE, ROWS, EpochSampler(70, 3), 16)
    seen = []
    for epoch in (0, 1, 0):
        ours.sampler.set_epoch(epoch)
        seen.append(torch.cat([batch["row"] for batch in ours]).tolist())
    assert seen[0] == seen[2] != seen[1]
    assert sorted(seen[1]) == ROWS.tolist()


def test_a_file_on_disk_serves_as_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "patches.npy", PATCHES)
    mapped = np.load(tmp_path / "patches.npy", mmap_mode="r")
    ours = ResidentLoader(ResidentStore(mapped, LABELS, "cpu"), ROWS, range(70), 16)
    assert_same(list(ours), list(loader(range(70))))


def test_says_where_the_patches_are(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, resident.__name__):
        ResidentStore(PATCHES, LABELS, "cpu")
    assert "0.00 GB as uint8 in cpu" in caplog.text


class Recorder(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.rows: list[int] = []

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        self.rows += batch["row"].tolist()
        return self.weight.sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def test_lightning_takes_it_and_sets_the_epoch(tmp_path: Path) -> None:
    module = Recorder()
    ours = ResidentLoader(STORE, ROWS, EpochSampler(70, 3), 16)
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        use_distributed_sampler=False,
    )
    trainer.fit(module, ours)
    expected = []
    for epoch in (0, 1):
        ours.sampler.set_epoch(epoch)
        expected += [ROWS[key % 70] for key in ours.sampler]
    assert module.rows == expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("limit", [0.5, 0.0])
def test_on_a_gpu_batches_are_the_same(limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "CHUNK", 5 * PATCHES[0].nbytes)
    monkeypatch.setattr(resident, "LIMIT", limit)
    store = ResidentStore(PATCHES, LABELS, "cuda")
    assert store.resident == (limit > 0)
    ours = ResidentLoader(store, ROWS, EpochSampler(70, 3), 16)
    iterator = iter(ours)
    first = next(iterator)
    torch.cuda.set_sync_debug_mode("error")
    try:
        rest = list(iterator)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    here = [{name: value.cpu() for name, value in batch.items()} for batch in [first, *rest]]
    assert_same(here, list(loader(EpochSampler(70, 3))))  # type: ignore[arg-type]
