"""Ranks and epochs: who draws what, and how often."""

from itertools import chain

import numpy as np

from data.grey_patches import BRIGHTNESS, PATCHES, N, module
from idc.data.augment import Augmentation
from idc.data.sampler import EpochSampler, balanced_weights


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
