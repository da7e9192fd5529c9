"""Patches of one grey, and the draws of a random brightness on them."""

import albumentations as A
import numpy as np
import pandas as pd

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
