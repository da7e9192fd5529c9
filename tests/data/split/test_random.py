import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from split_cases import EVEN, index_of

from idc.data.split.base import SPLITS, leaky_patients
from idc.data.split.random import RandomSplit
from idc.errors import DataError

CLASSES = st.lists(st.integers(3, 60), min_size=2, max_size=4)


@settings(max_examples=40, deadline=None)
@given(CLASSES, st.integers(0, 1000), st.floats(0.05, 0.45), st.floats(0.05, 0.45))
def test_every_class_has_its_share_on_every_split(
    counts: list[int], seed: int, test: float, val: float
) -> None:
    index = index_of([tuple(counts)])
    split = RandomSplit(test_fraction=test, val_fraction=val, seed=seed).assign(index)
    assert set(split) == set(SPLITS)
    for label, count in enumerate(counts):
        found = split[index["label"] == label].value_counts()
        for name, share in (("test", test), ("val", val)):
            assert found[name] >= 1
            assert abs(found[name] - share * count) <= 1


def test_patients_leak_and_it_says_so() -> None:
    index = EVEN.assign(split=RandomSplit().assign(EVEN))
    assert len(leaky_patients(index)) > 5
    assert RandomSplit().leaky
    shares = index["split"].value_counts(normalize=True)
    assert shares["val"] == pytest.approx(0.15, abs=0.02)
    assert shares["test"] == pytest.approx(0.15, abs=0.02)


def test_the_seed_decides() -> None:
    one, again, other = (RandomSplit(seed=seed).assign(EVEN) for seed in (1, 1, 2))
    pd.testing.assert_series_equal(one, again)
    assert (one != other).sum() > 20


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(8, 40), min_size=2, max_size=3), st.integers(2, 5), st.integers(0, 99))
def test_folds_test_every_patch_once_and_are_stratified(
    counts: list[int], folds: int, seed: int
) -> None:
    index = index_of([tuple(counts)])
    times = np.zeros(len(index), int)
    for fold in range(folds):
        split = RandomSplit(folds=folds, fold=fold, seed=seed).assign(index)
        times += (split == "test").to_numpy()
        for label, count in enumerate(counts):
            tested = int(((split == "test") & (index["label"] == label)).sum())
            assert abs(tested - count / folds) <= 1
            assert {"train", "val"} <= set(split[index["label"] == label])
    assert (times == 1).all()


def test_too_few_patches_of_a_class_are_refused() -> None:
    with pytest.raises(DataError, match=r"class 1 has 2 patch.*at least 3"):
        RandomSplit().assign(index_of([(9, 2)]))
    with pytest.raises(DataError, match=r"class 1 has 4 patch.*folds=5.*at least 5"):
        RandomSplit(folds=5).assign(index_of([(9, 4)]))
