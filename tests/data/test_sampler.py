"""Ranks and epochs: who draws what, and how often."""

from itertools import chain

import numpy as np
import pytest

from data.grey_patches import BRIGHTNESS, PATCHES, N, module
from idc.data.augment import Augmentation
from idc.data.sampler import EpochSampler, balanced_weights, drawing_weights
from idc.errors import DataError


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
    sampler = EpochSampler(1000, 0, balanced_weights(labels[:, None] == [0, 1]))
    drawn = labels[np.array(list(sampler)) % 1000]
    assert 0.45 < drawn.mean() < 0.55


def test_balanced_weights_of_several_labels_draw_each_and_none_alike() -> None:
    members = np.array([[1, 0], [1, 1], [0, 0], [0, 0], [0, 0], [0, 1]], bool)
    # A label (or none) in a third of the draws, then one of its patches: 1/3 * 1/2 + 1/3 * 1/2.
    expected = [1 / 6, 1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 6]
    np.testing.assert_allclose(balanced_weights(members), expected)


def test_weights_of_the_table_decide_how_often_an_image_is_drawn() -> None:
    members = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], bool)
    weights = np.array([1.0, 3, 0, 4])
    assert drawing_weights(members, None, balanced=False) is None
    plain = drawing_weights(members, weights, balanced=False)
    np.testing.assert_allclose(plain, [1 / 8, 3 / 8, 0, 1 / 2])
    balanced = drawing_weights(members, 10 * weights, balanced=True)
    np.testing.assert_allclose(balanced, [1 / 8, 3 / 8, 0, 1 / 2])
    drawn = np.bincount(
        np.array(list(EpochSampler(4000, 0, np.tile(plain, 1000)))) % 4, minlength=4
    )
    np.testing.assert_allclose(drawn / 4000, plain, atol=0.03)
    with pytest.raises(DataError, match="weight"):
        drawing_weights(members, 0 * weights, balanced=True)
