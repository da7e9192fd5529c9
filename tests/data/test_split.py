import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idc.data.split import SIDES, PatientSplit, check_split, split_counts
from idc.errors import ConfigError, DataError


def index_of(counts: list[tuple[int, int]]) -> pd.DataFrame:
    rows = [
        (f"p{i}", label)
        for i, pair in enumerate(counts)
        for label, n in enumerate(pair)
        for _ in range(n)
    ]
    return pd.DataFrame(rows, columns=["group", "label"])


EVEN = index_of([(8, 5)] * 10)
patients = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=3, max_size=15)


@settings(max_examples=40, deadline=None)
@given(counts=patients, seed=st.integers(0, 1000))
def test_no_patient_is_shared_and_every_side_has_both_classes(
    counts: list[tuple[int, int]], seed: int
) -> None:
    index = index_of(counts)
    assume(index["label"].nunique() == 2)
    try:
        side = PatientSplit(seed=seed).assign(index)
    except DataError as error:
        assert "split" in str(error)
        return
    groups = {name: set(index["group"][side == name]) for name in SIDES}
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["val"]
    assert not groups["val"] & groups["test"]
    assert all(set(index["label"][side == name]) == {0, 1} for name in SIDES)


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


def test_classes_are_balanced_over_the_sides() -> None:
    index = index_of([(100, 0), (0, 100), (90, 10), (10, 90), (50, 50), (60, 40)] * 3)
    side = PatientSplit(test_fraction=0.25, val_fraction=0.25).assign(index)
    for name in ("test", "val"):
        part = index["label"][side == name]
        assert abs(part.mean() - index["label"].mean()) < 0.08
        assert abs(len(part) / len(index) - 0.25) < 0.08


def test_is_reproducible_and_independent_of_row_order() -> None:
    one = PatientSplit(seed=3).assign(EVEN)
    assert one.equals(PatientSplit(seed=3).assign(EVEN))


def test_named_patients_are_obeyed_also_as_numbers() -> None:
    index = EVEN.assign(group=EVEN["group"].str[1:].radd("88"))
    side = PatientSplit(test_patients=[881, "882"], val_patients=["883"]).assign(index)
    assert set(index["group"][side == "test"]) == {"881", "882"}
    assert set(index["group"][side == "val"]) == {"883"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"folds": 1}, r"split\.folds=1"),
        ({"folds": 5, "fold": 5}, r"split\.fold=5"),
        ({"folds": 5, "test_patients": ["p0"]}, "exclude"),
        ({"test_fraction": 0.0}, r"split\.test_fraction"),
        ({"test_fraction": 0.6, "val_fraction": 0.5}, "nothing to train on"),
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
    ],
)
def test_names_that_do_not_fit_the_data_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        PatientSplit(**options).assign(EVEN)


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(DataError, match="at least 3"):
        PatientSplit().assign(index_of([(5, 5)]))


def test_a_patient_on_two_sides_is_refused() -> None:
    side = pd.Series(["train", "val", "test"] * 43 + ["train"], index=EVEN.index)
    with pytest.raises(DataError, match="two sides"):
        check_split(EVEN, side)


def test_counts_cover_every_side_and_class() -> None:
    index = EVEN.assign(split=PatientSplit().assign(EVEN))
    counts = split_counts(index, ("no IDC", "IDC"))
    assert len(counts) == 6
    assert counts["patches"].sum() == len(EVEN)
