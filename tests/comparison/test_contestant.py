import pandas as pd
import pytest

from idc.comparison.contestant import (
    Contestant,
    pool_folds,
    require_same_patches,
    same_patches,
    trained_on_tested,
)
from idc.errors import DataError


def frame(paths: str, patient: str = "1") -> pd.DataFrame:
    return pd.DataFrame({"path": list(paths), "label": 0, "patient": patient})


def test_folds_are_pooled_each_patch_once() -> None:
    whole = pool_folds({"0": frame("ca"), "1": frame("b", "2")})
    assert whole["path"].tolist() == ["a", "b", "c"]
    assert whole["fold"].tolist() == ["0", "1", "0"]
    with pytest.raises(DataError, match="more than one fold"):
        pool_folds({"0": frame("ab"), "1": frame("b")})


def test_different_patches_are_not_compared() -> None:
    one = Contestant("one", {"": frame("ab")}, 2)
    two = Contestant("two", {"": frame("ab")}, 2)
    other = Contestant("other", {"": frame("ac")}, 2)
    require_same_patches([one, two])
    assert [[c.name for c in g] for g in same_patches([one, other, two])] == [
        ["one", "two"],
        ["other"],
    ]
    with pytest.raises(DataError, match=r"one, two: 2 patches, 1 patients; other"):
        require_same_patches([one, two, other])
    relabelled = Contestant("relabelled", {"": frame("ab").assign(label=1)}, 2)
    with pytest.raises(DataError, match="different patches"):
        require_same_patches([one, relabelled])
    uneven = Contestant("uneven", {"seed=1": frame("ab"), "seed=2": frame("abc")}, 2)
    with pytest.raises(DataError, match="repeats of uneven"):
        require_same_patches([uneven])


def test_runs_that_were_trained_on_others_test_patients_are_named() -> None:
    splits = {
        "a": {"1": "train", "2": "val", "3": "test"},
        "b": {"1": "test", "2": "train", "3": "test"},
        "c": {"1": "train", "3": "test"},
    }
    assert trained_on_tested(splits) == {"a": ["b"], "c": ["b"]}
