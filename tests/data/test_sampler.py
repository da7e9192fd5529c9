"""Ranks and epochs: who draws what, and how often."""

from itertools import chain

import numpy as np
import pandas as pd
import pytest

from data.grey_patches import BRIGHTNESS, PATCHES, N, module
from idc.data.augment import Augmentation
from idc.data.sampler import EpochSampler, Sampling, sampling_weights
from idc.errors import DataError

NOBODY = np.zeros(9, np.int64)  # all of one patient


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


def cohort() -> tuple[pd.DataFrame, np.ndarray]:
    """Patient A with 2 + 8 patches, B with 40 + 0, C with 10 + 40."""
    counts = {("A", 0): 2, ("A", 1): 8, ("B", 0): 40, ("C", 0): 10, ("C", 1): 40}
    rows = [key for key, count in counts.items() for _ in range(count)]
    index = pd.DataFrame(rows, columns=["patient", "label"])
    return index, index["label"].to_numpy()[:, None] == [0, 1]


@pytest.mark.parametrize(
    ("kind", "labels", "patients"),
    [
        (
            "balanced",
            [0.5, 0.5],
            [0.5 * (2 / 52 + 8 / 48), 0.5 * 40 / 52, 0.5 * (10 / 52 + 40 / 48)],
        ),
        ("patients", [(0.2 + 1 + 0.2) / 3, (0.8 + 0.8) / 3], [1 / 3, 1 / 3, 1 / 3]),
        ("balanced_patients", [0.5, 0.5], [1 / 6 + 1 / 4, 1 / 6, 1 / 6 + 1 / 4]),
    ],
)
def test_expected_shares_of_classes_and_patients(
    kind: Sampling, labels: list[float], patients: list[float]
) -> None:
    index, members = cohort()
    weights = sampling_weights(kind, members, pd.factorize(index["patient"])[0])
    assert weights is not None
    share = pd.Series(weights)
    np.testing.assert_allclose(share.groupby(index["label"]).sum(), labels)
    np.testing.assert_allclose(share.groupby(index["patient"]).sum(), patients)
    # What is drawn is what is expected, by every rank's part and in every epoch anew.
    draws = [EpochSampler(len(index), 0, weights, rank, 2) for rank in range(2)]
    rows, first = [], [list(one) for one in draws]
    for epoch in range(100):
        for one in draws:
            one.set_epoch(epoch)
            rows += [key % len(index) for key in one]
    assert first == [list(one) for one in map(fresh, draws)]
    assert abs(index["label"].to_numpy()[rows].mean() - labels[1]) < 0.02


def fresh(sampler: EpochSampler) -> EpochSampler:
    sampler.set_epoch(0)
    return sampler


def test_weights_of_several_labels_draw_each_and_none_alike() -> None:
    members = np.array([[1, 0], [1, 1], [0, 0], [0, 0], [0, 0], [0, 1]], bool)
    # A label (or none) in a third of the draws, then one of its patches: 1/3 * 1/2 + 1/3 * 1/2.
    expected = [1 / 6, 1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 6]
    np.testing.assert_allclose(sampling_weights("balanced", members, NOBODY[:6]), expected)


def test_weights_of_the_table_decide_how_often_an_image_is_drawn() -> None:
    members = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], bool)
    weights = np.array([1.0, 3, 0, 4])
    assert sampling_weights("shuffle", members, NOBODY[:4]) is None
    plain = sampling_weights("shuffle", members, NOBODY[:4], weights)
    np.testing.assert_allclose(plain, [1 / 8, 3 / 8, 0, 1 / 2])
    balanced = sampling_weights("balanced", members, NOBODY[:4], 10 * weights)
    np.testing.assert_allclose(balanced, [1 / 8, 3 / 8, 0, 1 / 2])
    drawn = np.bincount(
        np.array(list(EpochSampler(4000, 0, np.tile(plain, 1000)))) % 4, minlength=4
    )
    np.testing.assert_allclose(drawn / 4000, plain, atol=0.03)
    # Each patient alike, and the second one's third patch never.
    patients = sampling_weights("patients", members, np.array([0, 1, 1, 1]), weights)
    np.testing.assert_allclose(patients, [1 / 2, 3 / 14, 0, 2 / 7])
    with pytest.raises(DataError, match="weight"):
        sampling_weights("balanced", members, NOBODY[:4], 0 * weights)
