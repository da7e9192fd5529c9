"""Learning curves compare what they say: less training data, the same validation and test."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from split_cases import EVEN, PATIENTS, index_of

from idc.data.split.base import Splitter, leaky_patients
from idc.data.split.patient import PatientSplit
from idc.data.split.random import RandomSplit
from idc.data.split.subset import TrainingSubset, balanced_order
from idc.errors import ConfigError, DataError

Kind = Callable[..., Splitter]
KINDS = pytest.mark.parametrize("kind", [PatientSplit, RandomSplit])
FRACTIONS = (0.1, 0.3, 0.55, 1.0)


def splits(kind: Kind, index: pd.DataFrame, **options: object) -> "pd.Series[str] | None":
    """The splits, or None where no training split of this size has both classes."""
    try:
        return kind(**options).assign(index)
    except DataError as error:
        assert "smallest number that works" in str(error)
        return None


# Named, for to choose them takes time.
NAMED = partial(PatientSplit, test_patients=["p0"], val_patients=["p1"])


@pytest.mark.parametrize("kind", [NAMED, RandomSplit], ids=["patient", "random"])
@pytest.mark.parametrize("by", ["patient", "patch"])
@settings(max_examples=20, deadline=None)
@given(counts=PATIENTS, seed=st.integers(0, 200))
def test_subsets_are_nested_and_leave_validation_and_test_alone(
    kind: Kind, by: str, counts: list[tuple[int, int]], seed: int
) -> None:
    index = index_of([(5, 5), (4, 6), *counts])
    whole = kind(seed=seed).assign(index)
    found = [splits(kind, index, seed=seed, train_fraction=f, train_by=by) for f in FRACTIONS]
    pd.testing.assert_series_equal(found[-1], whole)
    held_out = whole.isin(["val", "test"])
    smaller = [s for s in found if s is not None]
    for split in smaller:
        assert (split[held_out] == whole[held_out]).all()
        assert set(split[~held_out]) <= {"train", ""}
        assert set(index["label"][split == "train"]) == {0, 1}
    for small, large in pairwise(smaller):
        assert not ((small == "train") & (large != "train")).any()
    if by == "patch":
        assert len(smaller) == len(FRACTIONS)


@settings(max_examples=40, deadline=None)
@given(counts=PATIENTS, seed=st.integers(0, 200), fraction=st.floats(0.01, 0.99))
def test_whole_patients_in_the_number_that_was_asked_for(
    counts: list[tuple[int, int]], seed: int, fraction: float
) -> None:
    index = index_of(counts)
    split = pd.Series("train", index=index.index)
    total = index["patient"].nunique()
    thinned = splits(lambda **o: Bare(**o), index, seed=seed, train_fraction=fraction)
    wanted = max(1, int(fraction * total + 0.5))
    if thinned is None:
        assert wanted == 1
        return
    trained = thinned == "train"
    assert index["patient"][trained].nunique() == wanted
    assert leaky_patients(index.assign(split=thinned.replace("", "out"))) == []
    same = TrainingSubset(train_patients=wanted, seed=seed).thin(index, split)
    pd.testing.assert_series_equal(thinned, same)


@settings(max_examples=40, deadline=None)
@given(counts=PATIENTS, seed=st.integers(0, 50), share=st.floats(0, 1), less=st.floats(0, 1))
def test_a_number_of_patches_is_exact_and_a_part_of_every_larger_one(
    counts: list[tuple[int, int]], seed: int, share: float, less: float
) -> None:
    index = index_of(counts)
    classes, total = index["label"].nunique(), len(index)
    number = round(classes + share * (total - classes))
    fewer = round(classes + less * (number - classes))
    kept, part = (
        Bare(train_patches=n, seed=seed).assign(index) == "train" for n in (number, fewer)
    )
    assert (kept.sum(), part.sum()) == (number, fewer)
    assert index["label"][part].nunique() == classes
    for label, of_class in index.groupby("label"):
        exact = number * len(of_class) / total
        assert abs(kept[of_class.index].sum() - exact) <= max(1, classes - 1), label
    with pytest.raises(ConfigError, match="train_patches"):
        Bare(train_patches=total + 1).assign(index)


class Bare:
    """A split that trains on everything."""

    def __init__(self, **options: object) -> None:
        self.subset = TrainingSubset(**options)

    def assign(self, index: pd.DataFrame) -> "pd.Series[str]":
        return self.subset.thin(index, pd.Series("train", index=index.index))


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=10),
    seed=st.integers(0, 50),
    fraction=st.floats(0.02, 0.98),
)
def test_patches_are_left_out_evenly_over_classes_and_patients(
    counts: list[tuple[int, int]], seed: int, fraction: float
) -> None:
    totals = np.sum(counts, axis=0)
    assume((totals > 0).all())
    index = index_of(counts)
    kept = Bare(train_fraction=fraction, train_by="patch", seed=seed).assign(index) == "train"
    for label, total in enumerate(totals):
        wanted = max(1, int(fraction * total + 0.5))
        assert kept[index["label"] == label].sum() == wanted
        cells = int(np.count_nonzero([c[label] for c in counts]))
        for patient, of_patient in enumerate(counts):
            here = (index["patient"] == f"p{patient}") & (index["label"] == label)
            size = of_patient[label]
            assert abs(kept[here].sum() - wanted / total * size) <= 1 + size * cells / total


def test_the_seed_decides_what_is_left_out() -> None:
    for by in ("patient", "patch"):
        options = {"train_fraction": 0.5, "train_by": by}
        one, again, other = (Bare(seed=seed, **options).assign(EVEN) for seed in (1, 1, 2))
        assert (one == again).all()
        assert (one != other).any()


def test_a_few_patients_soon_have_the_balance_of_all() -> None:
    """Half of the patients have no positives, as many are nearly all positive."""
    rng = np.random.default_rng(0)
    counts = pd.DataFrame(
        [(100, 0) if i % 2 else (rng.integers(5, 20), 90) for i in range(40)],
        index=[f"p{i:02d}" for i in range(40)],
    )
    share = counts[1].sum() / counts.to_numpy().sum()

    def misses(order: list[str]) -> float:
        first = counts.loc[order].cumsum()
        return float(np.abs(first[1] / first.sum(axis=1) - share).iloc[:20].mean())

    ours = [misses(balanced_order(counts, seed)) for seed in range(10)]
    chance = [misses(rng.permutation(counts.index).tolist()) for _ in range(50)]
    assert max(ours) < np.mean(chance) / 2
    for seed in range(10):
        assert set(balanced_order(counts, seed)) == set(counts.index)
        first = counts.loc[balanced_order(counts, seed)].cumsum()
        assert abs(first[1] / first.sum(axis=1) - share).iloc[5:].max() < 0.1


def test_orders_differ_between_seeds() -> None:
    counts = pd.DataFrame([(50, 20 + i) for i in range(30)], index=[f"p{i:02d}" for i in range(30)])
    firsts = {balanced_order(counts, seed)[0] for seed in range(12)}
    assert len(firsts) > 4


def test_too_small_a_training_split_is_refused_with_the_smallest_that_works() -> None:
    index = index_of([(9, 0), (0, 9), (7, 0), (0, 8), (5, 0)])
    with pytest.raises(DataError, match=r"1 of the 5 .* class .*train_patients=2 .*fraction=0\.4"):
        Bare(train_patients=1).assign(index)
    with pytest.raises(DataError, match="train_patients=2"):
        Bare(train_fraction=0.1).assign(index)
    for options in ({"train_patients": 2}, {"train_fraction": 0.4}):
        trained = Bare(**options).assign(index) == "train"
        assert set(index["label"][trained]) == {0, 1}


def test_one_patient_with_both_classes_is_enough() -> None:
    index = index_of([(9, 0)] * 12 + [(0, 9)] * 12 + [(4, 4)])
    for seed in range(5):
        trained = Bare(train_patients=1, seed=seed).assign(index) == "train"
        assert set(index["patient"][trained]) == {"p24"}


def test_more_patients_than_there_are_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"train_patients=11: .* 10 patients; give 1\.\.10"):
        Bare(train_patients=11).assign(EVEN)


@KINDS
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"train_patients": 3, "train_fraction": 0.5}, "exclude one another"),
        ({"train_patients": 3, "train_by": "patch"}, "whole patients"),
    ],
)
def test_impossible_options_are_refused(kind: Kind, options: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        kind(**options)


def test_folds_and_left_out_patients_can_be_thinned_too() -> None:
    for folds in (5, "patients"):
        whole = PatientSplit(folds=folds, fold=1).assign(EVEN)
        part = PatientSplit(folds=folds, fold=1, train_fraction=0.5).assign(EVEN)
        assert ((part == whole) | ((whole == "train") & (part == ""))).all()
        assert 0 < (part == "train").sum() < (whole == "train").sum()
