"""Ranks and epochs: who draws what, and how often."""

from itertools import chain

import albumentations as A
import numpy as np
import pandas as pd

from idc.data.augment import Augmentation
from idc.data.datamodule import PatchDataModule
from idc.data.sampler import EpochSampler, balanced_weights

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


def test_ranks_draw_differently_and_share_out_the_set() -> None:
    samplers = [EpochSampler(N, seed=0, rank=r, world=3) for r in range(3)]
    keys = [list(s) for s in samplers]
    assert sorted(chain(*keys)) == list(range(N))
    augmentation = Augmentation([BRIGHTNESS], seed=0)
    draws = [augmentation(PATCHES[:16], k[0]).mean((1, 2, 3)).tolist() for k in keys]
    assert draws[0] != draws[1]
    assert draws[1] != draws[2]


def test_ranks_take_equally_many_steps() -> None:
    lengths = {len(list(EpochSampler(10, 0, rank=r, world=4))) for r in range(4)}
    assert lengths == {3}


def test_evaluation_repeats_no_sample_over_ranks() -> None:
    loaders = [module(0).eval_dataloader("train", rank, 5) for rank in range(5)]
    rows = chain(*(batch["row"].tolist() for loader in loaders for batch in loader))
    assert sorted(rows) == list(range(N))


def test_balanced_sampler_draws_classes_equally_often() -> None:
    labels = np.array([0] * 900 + [1] * 100)
    sampler = EpochSampler(1000, 0, balanced_weights(labels))
    drawn = labels[np.array(list(sampler)) % 1000]
    assert 0.45 < drawn.mean() < 0.55
