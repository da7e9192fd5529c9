"""Label corrections leave every patient in its split."""

import numpy as np
import pandas as pd
import pytest

from idc.data.split.base import UNUSED
from idc.errors import DataError
from idc.pipelines.split import divide

CLASSES = ("no IDC", "IDC")
PATIENTS = {"1": "train", "2": "val", "3": "test"}


class ByName:
    """Each patient in a split of its own."""

    leaky = False

    def assign(self, index: pd.DataFrame) -> "pd.Series[str]":
        return index["patient"].map(PATIENTS)


def index() -> pd.DataFrame:
    """Three patients with two patches of each class."""
    frame = pd.DataFrame({"patient": np.repeat(list(PATIENTS), 4), "label": [0, 0, 1, 1] * 3})
    return frame.assign(path=[f"{i}.png" for i in range(12)])


def divided(corrected: pd.DataFrame, kept: np.ndarray, keep: np.ndarray) -> list[str]:
    config = {"split": {"test_patients": []}}
    return list(divide(config, ByName(), index(), kept, corrected, keep, CLASSES))


def test_without_corrections_it_is_the_splitters() -> None:
    keep = np.arange(12) != 5
    expected = [PATIENTS[p] for p in index()["patient"]]
    expected[5] = UNUSED
    assert divided(index(), keep, keep) == expected


def test_an_image_that_a_correction_lets_in_joins_its_patient() -> None:
    kept, keep = np.ones(12, bool), np.ones(12, bool)
    kept[8] = False  # a contradiction, which the correction resolves
    keep[0] = False  # excluded by a reader
    corrected = index()
    corrected.loc[8, "label"] = 1
    split = divided(corrected, kept, keep)
    assert split[8] == "test"
    assert split[0] == UNUSED
    assert split[1:8] == [PATIENTS[p] for p in index()["patient"][1:8]]


def test_a_class_that_corrections_empty_is_refused() -> None:
    keep, corrected = np.ones(12, bool), index()
    corrected.loc[corrected["patient"] == "2", "label"] = 0
    with pytest.raises(DataError, match=r"val.*data\.corrections"):
        divided(corrected, keep, keep)
    with pytest.raises(DataError, match="of class 'IDC'"):
        divided(index().assign(label=0), keep, keep)
