"""albumentations 2.0.8 repeats its draws over workers and epochs; ours must not."""

import pytest
import torch

from data.grey_patches import N, epoch, module


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
