import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold
from split_cases import EVEN, index_of

from idc.data.split.base import SPLITS, check_split, leaky_patients, split_counts
from idc.data.split.patient import PatientSplit, stratified_folds
from idc.errors import ConfigError, DataError

patients = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=3, max_size=15)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(counts=patients, seed=st.integers(0, 1000))
def test_no_patient_is_shared_and_every_split_has_both_classes(
    counts: list[tuple[int, int]], seed: int
) -> None:
    index = index_of(counts)
    assume(index["label"].nunique() == 2)
    try:
        split = PatientSplit(seed=seed).assign(index)
    except DataError as error:
        assert "split" in str(error)
        return
    groups = {name: set(index["patient"][split == name]) for name in SPLITS}
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["val"]
    assert not groups["val"] & groups["test"]
    assert all(set(index["label"][split == name]) == {0, 1} for name in SPLITS)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    counts=st.lists(st.tuples(st.integers(3, 30), st.integers(3, 30)), min_size=6, max_size=12),
    folds=st.integers(2, 4),
)
def test_folds_test_every_patch_exactly_once(counts: list[tuple[int, int]], folds: int) -> None:
    index = index_of(counts)
    times = np.zeros(len(index), int)
    for fold in range(folds):
        times += (PatientSplit(folds=folds, fold=fold).assign(index) == "test").to_numpy()
    assert (times == 1).all()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["10", "9", "100", "2"], ["2", "9", "10", "100"]),
        (["10", "9", "b", "a"], ["10", "9", "a", "b"]),
    ],
)
def test_leaving_one_patient_out_tests_each_alone_in_order(
    names: list[str], expected: list[str]
) -> None:
    index = index_of([(8, 5)] * 4)
    index["patient"] = index["patient"].map(dict(zip(("p0", "p1", "p2", "p3"), names, strict=True)))
    tested = []
    for fold in range(4):
        split = PatientSplit(folds="patients", fold=fold).assign(index)
        tested.append(index["patient"][split == "test"].unique().tolist())
        assert index["patient"][split == "val"].nunique() >= 1
    assert tested == [[name] for name in expected]


def test_a_left_out_patient_may_have_one_class_but_training_and_validation_have_both() -> None:
    index = index_of([(9, 0), (0, 9), (5, 5), (6, 4), (4, 6)])
    for fold in range(5):
        split = PatientSplit(folds="patients", fold=fold).assign(index)
        assert all(set(index["label"][split == name]) == {0, 1} for name in ("train", "val"))


def test_named_validation_patients_are_never_left_out() -> None:
    options = {"folds": "patients", "val_patients": ["p3"]}
    tested = set()
    for fold in range(9):
        split = PatientSplit(fold=fold, **options).assign(EVEN)
        assert set(EVEN["patient"][split == "val"]) == {"p3"}
        tested |= set(EVEN["patient"][split == "test"])
    assert tested == set(EVEN["patient"]) - {"p3"}


def test_classes_are_balanced_over_the_splits() -> None:
    index = index_of([(100, 0), (0, 100), (90, 10), (10, 90), (50, 50), (60, 40)] * 3)
    split = PatientSplit(test_fraction=0.25, val_fraction=0.25).assign(index)
    for name in ("test", "val"):
        part = index["label"][split == name]
        assert abs(part.mean() - index["label"].mean()) < 0.08
        assert abs(len(part) / len(index) - 0.25) < 0.08


def test_is_reproducible_and_independent_of_row_order() -> None:
    one = PatientSplit(seed=3).assign(EVEN)
    assert one.equals(PatientSplit(seed=3).assign(EVEN))


def test_named_patients_are_obeyed_also_as_numbers() -> None:
    index = EVEN.assign(patient=EVEN["patient"].str[1:].radd("88"))
    split = PatientSplit(test_patients=[881, "882"], val_patients=["883"]).assign(index)
    assert set(index["patient"][split == "test"]) == {"881", "882"}
    assert set(index["patient"][split == "val"]) == {"883"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"folds": "patients", "test_patients": ["p0"]}, "exclude"),
        ({"folds": 5, "test_patients": ["p0"]}, "exclude"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        PatientSplit(**options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"test_patients": ["nobody"]}, "no patient nobody"),
        ({"test_patients": ["p1"], "val_patients": ["p1"]}, "patient p1 stands in both"),
        ({"folds": 50}, "only 10 patients"),
        ({"folds": "patients", "fold": 10}, r"split\.fold=10: .* 10 patients .* give 0\.\.9"),
        ({"folds": "patients", "fold": 8, "val_patients": ["p0", "p3"]}, r"give 0\.\.7"),
        ({"folds": "patients", "fold": -1}, r"give 0\.\.9"),
    ],
)
def test_names_that_do_not_fit_the_data_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        PatientSplit(**options).assign(EVEN)


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(DataError, match="at least 3"):
        PatientSplit().assign(index_of([(5, 5)]))


def test_a_patient_on_two_splits_is_refused() -> None:
    split = pd.Series(["train", "val", "test"] * 43 + ["train"], index=EVEN.index)
    with pytest.raises(DataError, match="two splits"):
        check_split(EVEN, split)


def test_counts_cover_every_split_and_class() -> None:
    index = EVEN.assign(split=PatientSplit().assign(EVEN))
    counts = split_counts(index, ("no IDC", "IDC"))
    assert len(counts) == 6
    assert counts["patches"].sum() == len(EVEN)


def test_patients_on_two_splits_are_a_fact_of_the_splits() -> None:
    index = EVEN.assign(split="train")
    index.loc[index["patient"] == "p4", "split"] = ""
    assert leaky_patients(index) == []
    index.loc[[0, 70], "split"] = "test"  # of p0 and p5
    index.loc[53, "split"] = "val"  # p4 has no other split
    assert leaky_patients(index) == ["p0", "p5"]


def test_a_row_without_a_split_is_no_split_of_its_own() -> None:
    split = PatientSplit().assign(EVEN)
    split[(split == "train") & (np.arange(len(split)) % 3 == 0)] = ""
    check_split(EVEN, split)


COUNTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=14)


@given(COUNTS, st.integers(2, 6), st.integers(0, 50))
def test_it_is_stratified_group_k_fold(
    counts: list[tuple[int, int]], folds: int, seed: int
) -> None:
    patients = np.repeat([f"p{i:02d}" for i in range(len(counts))], np.sum(counts, axis=1))
    labels = np.concatenate([np.repeat([0, 1], row) for row in counts])
    assume(len(set(labels)) == 2)
    assume(len(set(patients)) >= folds)
    assume(max(np.bincount(labels)) >= folds)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [set(patients[chosen]) for _, chosen in splitter.split(labels, labels, patients)]
    assert stratified_folds(pd.crosstab(patients, labels), folds, seed) == expected


def test_several_labels_are_balanced_and_a_rare_one_stops_nothing() -> None:
    rng = np.random.default_rng(0)
    has = rng.random((600, 3)) < (0.3, 0.2, 0.1)
    has[:, 2] &= np.arange(600) < 10  # in the first patient alone
    labels = ["|".join(np.array(["a", "b", "c"])[row]) for row in has]
    index = pd.DataFrame(
        {
            "patient": [f"p{i // 10:02}" for i in range(600)],
            "label": has.any(1).astype(int),
            "labels": labels,
        }
    )
    split = PatientSplit().assign(index)
    assert not leaky_patients(index.assign(split=split))
    counts = split_counts(index.assign(split=split), ("a", "b", "c")).set_index(["split", "class"])
    for i, name in enumerate("ab"):
        share = counts.loc[("test", name), "patches"] / has[:, i].sum()
        assert 0.12 < share < 0.28
    assert counts["patches"].groupby("class").sum().tolist() == has.sum(0).tolist()
    for fold in range(3):
        PatientSplit(folds=3, fold=fold).assign(index)
