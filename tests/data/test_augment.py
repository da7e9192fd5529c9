"""albumentations 2.0.8 repeats its draws over workers and epochs; ours must not."""

import albumentations as A
import numpy as np
import pandas as pd
import pytest
import torch

from idc.data.datamodule import PatchDataModule

N = 96
PATCHES = np.full((N, 16, 16, 3), 128, np.uint8)
# A random brightness of one and the same grey patch shows each draw as a number.
BRIGHTNESS = A.RandomBrightnessContrast(brightness_limit=0.5, contrast_limit=0, p=1.0)


def module(workers: int, seed: int = 0, sampler: str = "shuffle") -> PatchDataModule:
    index = pd.DataFrame(
        {"label": np.arange(N) % 4 == 0, "patient": "p", "x": 0, "y": 0, "split": "train"}
    ).astype({"label": "int64"})
    return PatchDataModule(
        PATCHES,
        index,
        ("a", "b"),
        [BRIGHTNESS],
        batch_size=16,
        num_workers=workers,
        seed=seed,
        sampler=sampler,
    )


def epoch(data: PatchDataModule, number: int) -> tuple[list[int], list[float]]:
    loader = data.train_dataloader()
    loader.sampler.set_epoch(number)
    rows, draws = [], []
    for batch in loader:
        rows += batch["row"].tolist()
        draws += batch["image"].float().mean((1, 2, 3)).tolist()
    return rows, draws


def test_draws_differ_between_samples_and_epochs_under_workers() -> None:
    data = module(workers=2)
    first, second = epoch(data, 0), epoch(data, 1)
    draws = first[1] + second[1]
    # 2 x 96 draws of about 128 grey levels: repeats between workers or epochs would halve them.
    assert len(set(draws)) > 0.55 * 128
    assert first[0] != second[0]
    in_order = [dict(zip(*e, strict=True)) for e in (first, second)]
    same = sum(in_order[0][row] == in_order[1][row] for row in range(N))
    assert same < N // 8


def test_two_workers_do_not_duplicate_one_another() -> None:
    _, draws = epoch(module(workers=2), 0)
    batches = [draws[i : i + 16] for i in range(0, N, 16)]
    assert all(a != b for i, a in enumerate(batches) for b in batches[:i])


@pytest.mark.parametrize("workers", [1, 2])
def test_epochs_are_the_same_with_and_without_workers(workers: int) -> None:
    for number in (0, 5):
        assert epoch(module(0), number) == epoch(module(workers), number)


def test_seed_changes_order_and_draws() -> None:
    rows, draws = epoch(module(0, seed=0), 0)
    other_rows, other_draws = epoch(module(0, seed=1), 0)
    assert rows != other_rows
    assert draws != other_draws


def test_batches_are_uint8_in_channels_last_memory() -> None:
    batch = next(iter(module(0).train_dataloader()))
    assert batch["image"].dtype == torch.uint8
    assert batch["image"].shape == (16, 3, 16, 16)
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)
