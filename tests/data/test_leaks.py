"""What crosses the splits, against a look at every pair."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idc.config.schema.data import Limits
from idc.config.schema.option import defaults
from idc.data.facts import measure
from idc.data.leak_policy import LeakPolicy
from idc.data.leaks import Leaks, find_leaks
from idc.data.sources.synthetic import SyntheticSource
from idc.errors import DataError

LIMITS = defaults(Limits)
RANK = {"train": 0, "val": 1, "test": 2}
SIZE = 16
# Patches that look different, and for each a copy that looks nearly the same.
_RNG = np.random.default_rng(0)
LOOKS = np.kron(_RNG.integers(40, 200, (4, 8, 8, 3)), np.ones((1, 2, 2, 1))).astype(np.uint8)
NEARLY = LOOKS.copy()
NEARLY[:, 0, 0] += 3

Rows = list[tuple[int, bool, str, int]]
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from([*RANK, ""]), st.integers(0, 3)),
    min_size=1,
    max_size=16,
)


def case(rows: Rows) -> tuple[pd.DataFrame, np.ndarray]:
    """An index and its patches: which look, whether the nearly same one, split, patient."""
    patches = np.stack([(NEARLY if near else LOOKS)[look] for look, near, *_ in rows])
    index = measure(patches).assign(
        path=[f"{i}.png" for i in range(len(rows))],
        split=[split for *_, split, _ in rows],
        patient=[f"p{patient}" for *_, patient in rows],
        label=np.arange(len(rows)) % 2,
        checks="",
    )
    return index, patches


def brute_force(rows: Rows) -> list[tuple[int, int, str]]:
    """Row, duplicate and kind by their definition."""
    sought = {"train": ["test", "val"], "val": ["test", "train"], "test": ["train", "val"]}
    found = []
    for i, (look, near, split, _) in enumerate(rows):
        for kind in ("duplicate", "near_duplicate"):
            duplicates = [
                (sought[split].index(s), j)
                for j, (other, other_near, s, _) in enumerate(rows)
                if split and s and s != split and other == look
                if (other_near == near) == (kind == "duplicate")
            ]
            if duplicates:
                found.append((i, min(duplicates)[1], kind))
                break
    return found


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_it_finds_what_a_look_at_every_pair_finds(rows: Rows) -> None:
    leaks = find_leaks(*case(rows), LIMITS)
    names = [
        (f"{i}.png", rows[i][2], f"{j}.png", rows[j][2], kind) for i, j, kind in brute_force(rows)
    ]
    assert list(leaks.table.itertuples(index=False, name=None)) == names
    splits: dict[str, set[str]] = {}
    for *_, split, patient in rows:
        splits.setdefault(f"p{patient}", set()).update({split} - {""})
    assert leaks.patients == tuple(sorted(p for p, found in splits.items() if len(found) > 1))
    kinds = [kind for *_, kind in names]
    assert leaks.counts() == {
        "patients": len(leaks.patients),
        "duplicates": kinds.count("duplicate"),
        "near_duplicates": kinds.count("near_duplicate"),
    }
    assert len(leaks.sentences()) == sum(1 for count in leaks.counts().values() if count)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_nothing_crosses_once_it_is_dropped_and_test_is_whole(rows: Rows) -> None:
    index, patches = case(rows)
    index["label"] = 0
    policy = LeakPolicy("drop", "drop", "drop")
    leaks = find_leaks(index, patches, LIMITS)
    try:
        split = policy.decide(index, leaks)
    except DataError as error:
        assert "no patch of class" in str(error)
        return
    test = index["split"] == "test"
    assert (split[test] == "test").all()
    assert set(split[~test].unique()) <= {"train", "val", ""}
    after = find_leaks(index.assign(split=split), patches, LIMITS)
    assert after.patients == ()
    assert after.counts()["duplicates"] == 0
    left = after.rows("near_duplicates")
    # A patch that had the very same pixels elsewhere was told of as that alone.
    assert set(left["path"]) <= set(leaks.table["path"])
    if leaks.counts()["duplicates"] == 0:
        assert left.empty
    changed = split != index["split"]
    assert changed.any() == bool(len(leaks.table) or leaks.patients)


EXAMPLE: Rows = [
    (0, False, "train", 0),
    (1, False, "train", 0),
    (2, False, "train", 1),
    (3, False, "train", 1),
    (1, False, "val", 2),
    (2, True, "val", 2),
    (1, False, "test", 3),
    (2, True, "test", 3),
    (3, True, "test", 3),
]


def found(rows: Rows = EXAMPLE) -> tuple[pd.DataFrame, Leaks]:
    index, patches = case(rows)
    return index, find_leaks(index, patches, LIMITS)


def test_sentences_name_numbers_splits_and_an_example() -> None:
    _, leaks = found()
    same, near = leaks.sentences()
    for word in ("5 patches have the same pixels", "1 of train", "2 of val", "1.png (train)"):
        assert word in same
    assert "3 patches look nearly the same" in near
    _, none = found([*EXAMPLE[:4], (0, False, "", 0)])
    assert none.sentences() == []
    assert sum(none.counts().values()) == 0


def test_a_refusal_names_the_files_and_what_to_do() -> None:
    index, leaks = found()
    with pytest.raises(DataError) as caught:
        LeakPolicy().decide(index, leaks)
    text = str(caught.value)
    for word in ("1.png (train) = 6.png (test)", "leaks.duplicates=drop|warn", "remove the other"):
        assert word in text
    assert "near_duplicates" not in text


def test_warnings_leave_the_splits_as_they_are() -> None:
    index, leaks = found()
    split = LeakPolicy("warn", "warn", "warn").decide(index, leaks)
    assert split.tolist() == index["split"].tolist()


def test_dropping_takes_from_training_and_from_validation_what_test_has() -> None:
    index, leaks = found([*EXAMPLE, (0, True, "val", 4), (0, True, "val", 4)])
    index["label"] = 0
    split = LeakPolicy("warn", "drop", "warn").decide(index, leaks)
    assert split[split != index["split"]].index.tolist() == [1, 4, 5]
    near = LeakPolicy("warn", "warn", "drop").decide(index, leaks)
    assert near[near != index["split"]].index.tolist() == [0, 2, 3]


def test_dropping_all_of_a_class_is_refused() -> None:
    index, leaks = found()
    index["label"] = [0, 1, 0, 0, 0, 1, 0, 1, 1]
    with pytest.raises(DataError, match=r"train has no patch of class 1.*leaks\.\*=warn"):
        LeakPolicy("warn", "drop", "warn").decide(index, leaks)


def test_patients_fail_but_for_a_split_that_is_leaky_by_design() -> None:
    index, leaks = found([*EXAMPLE[:4], (1, True, "val", 0), (0, True, "test", 1)])
    assert leaks.patients == ("p0", "p1")
    with pytest.raises(DataError, match=r"2 of 2 patients .*p0, p1.*\n.*split=patient"):
        LeakPolicy().decide(index, leaks)
    for action in ("fail", "drop"):
        split = LeakPolicy(action).decide(index, leaks, leaky_by_design=True)
        assert split.tolist() == index["split"].tolist()


def test_glass_and_flat_patches_are_not_near_duplicates() -> None:
    index, patches = case([(0, False, "train", 0), (0, True, "test", 1)])
    assert find_leaks(index, patches, LIMITS).counts()["near_duplicates"] == 2
    for changed in (index.assign(checks="ink,glass"), index.assign(std_r=1, std_g=1, std_b=1)):
        assert find_leaks(changed, patches, LIMITS).counts()["near_duplicates"] == 0
    assert find_leaks(index, patches, {**LIMITS, "near_difference": 0.0}).table.empty


def test_the_synthetic_set_has_none() -> None:
    source = SyntheticSource(patients=3, patches_per_patient=40)
    index = source.scan().index
    patches = source.read(index).patches
    facts = measure(patches)
    splits = index["patient"].map({"9001": "train", "9002": "val", "9003": "test"})
    index = index.assign(split=splits).join(facts)
    assert find_leaks(index, patches, LIMITS).table.empty
