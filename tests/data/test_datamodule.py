"""The loaders: the same batches whichever way they come."""

import pickle
from pathlib import Path

import albumentations as A
import numpy as np
import pandas as pd
import pytest

from idc.data.datamodule import PatchDataModule
from idc.data.sources.synthetic import SyntheticSource

FLIP = (A.D4(p=1.0),)


@pytest.fixture(scope="module")
def parts() -> tuple[np.ndarray, pd.DataFrame]:
    source = SyntheticSource(4, 25)
    index = source.scan().index
    of_patient = {"9001": "train", "9002": "train", "9003": "val", "9004": "test"}
    split = index["patient"].map(of_patient).to_numpy(object)
    split[3] = ""  # dropped by the audit
    return source.read(index).patches, index.assign(split=split)


def module(parts: tuple[np.ndarray, pd.DataFrame], **options: object) -> PatchDataModule:
    return PatchDataModule(*parts, ("no IDC", "IDC"), batch_size=8, num_workers=0, **options)


@pytest.mark.parametrize("split", ["val", "test"])
def test_resident_evaluation_is_that_of_the_loader(
    parts: tuple[np.ndarray, pd.DataFrame], split: str
) -> None:
    one = module(parts, transforms=FLIP).eval_dataloader(split)
    two = module(parts, transforms=FLIP, device="gpu").eval_dataloader(split)
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert all((a[key] == b[key]).all() for key in ("image", "label", "row"))


def test_both_ways_take_the_same_rows_in_the_same_order(
    parts: tuple[np.ndarray, pd.DataFrame],
) -> None:
    loaders = [module(parts, transforms=FLIP, device=d).train_dataloader() for d in ("cpu", "gpu")]
    orders = []
    for epoch in (0, 1):
        for loader in loaders:
            loader.sampler.set_epoch(epoch)
        cpu, gpu = ([b["row"].tolist() for b in loader] for loader in loaders)
        assert cpu == gpu
        assert 3 not in np.concatenate(cpu)
        orders.append(cpu)
    assert orders[0] != orders[1]


def test_device_augmentation_is_reproducible_and_changes_pixels(
    parts: tuple[np.ndarray, pd.DataFrame],
) -> None:
    first, second = (module(parts, transforms=FLIP, device="gpu") for _ in range(2))
    batch, again = (next(iter(m.train_dataloader())) for m in (first, second))
    assert (batch["image"] == again["image"]).all()
    originals = parts[0][batch["row"].numpy()].transpose(0, 3, 1, 2)
    assert (batch["image"].numpy() != originals).any()
    assert np.array_equal(batch["image"].numpy().mean((2, 3)), originals.mean((2, 3)))  # D4 moves


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_shown_augmentation_is_that_of_training(
    parts: tuple[np.ndarray, pd.DataFrame], device: str
) -> None:
    data = module(parts, transforms=FLIP, device=device)
    shown = data.augment(parts[0][:5], 7)
    assert shown.shape == (5, 50, 50, 3)
    assert shown.dtype == np.uint8
    assert (shown == data.augment(parts[0][:5], 7)).all()
    assert (shown != data.augment(parts[0][:5], 8)).any()


@pytest.mark.parametrize(("batch", "expected"), [(8, 6), (49, 1), (64, 1)])
@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_batches_are_counted_without_making_a_loader(
    parts: tuple[np.ndarray, pd.DataFrame], batch: int, expected: int, device: str
) -> None:
    data = PatchDataModule(*parts, ("a", "b"), FLIP, device, batch_size=batch, num_workers=0)
    assert data.count_batches() == expected == len(data.train_dataloader())


def test_a_mapped_store_is_not_copied_to_a_spawned_worker(
    parts: tuple[np.ndarray, pd.DataFrame], tmp_path: Path
) -> None:
    np.save(tmp_path / "p.npy", parts[0])
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    loader = module((mapped, parts[1]), transforms=FLIP).train_dataloader()
    sent = pickle.dumps(loader.dataset)
    assert len(sent) < parts[0].nbytes / 10
    there = pickle.loads(sent)
    assert (there.patches == parts[0]).all()
    assert (there[5]["label"] == loader.dataset[5]["label"]).all()
