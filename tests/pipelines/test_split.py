"""Corrections move no patient, and what crosses the splits is found, from a store as from files."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from idc.data.material import Material
from idc.data.sources.synthetic import kaggle_path
from idc.data.split.base import UNUSED
from idc.data.split.predefined import write_split_csv
from idc.errors import DataError
from idc.pipelines.dataset import load_material
from idc.pipelines.split import divide

CLASSES = ("no IDC", "IDC")
PATIENTS = {"1": "train", "2": "val", "3": "test"}
FIVE = {f"900{i}": (12, 8) for i in range(5)}
SPLITS = ("split.test_patients=[9004]", "split.val_patients=[9003]")
Load = Callable[..., Material]


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


@pytest.fixture
def load(compose: Callable[..., dict[str, Any]], kaggle: Callable[..., Path]) -> Load:
    """Load five patients; a patch of 9000 is also one of 9004, another nearly so."""
    root = kaggle(FIVE)
    source, copy = root / kaggle_path("9000", 1, 1, 0), root / kaggle_path("9004", 1, 1, 0)
    shutil.copyfile(source, copy)
    image = cv2.imread(str(root / kaggle_path("9000", 51, 1, 0)))
    image[:2, :2] ^= 7
    cv2.imwrite(str(root / kaggle_path("9004", 51, 1, 0)), image)

    def make(*overrides: str) -> Material:
        stores = f"paths.stores={root.parent / 'stores'}"
        return load_material(compose("data=idc", f"data.root={root}", stores, *overrides))

    return make


def test_the_same_pixels_on_two_splits_stop_a_run(load: Load) -> None:
    with pytest.raises(DataError, match=r"9000_idx5_x1_y1_class0\.png \(train\) = 9004/0/"):
        load(*SPLITS)


def test_they_are_told_of_or_dropped_from_training(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        material = load(*SPLITS, "leaks.duplicates=warn")
    assert material.leaks.counts() == {"patients": 0, "duplicates": 2, "near_duplicates": 2}
    assert "2 patches have the same pixels" in caplog.text
    assert not material.leaky
    # This time from the packed store, which gives part of the columns only.
    dropped = load(*SPLITS, "leaks.duplicates=drop", "leaks.near_duplicates=drop")
    assert dropped.leaks.sentences() == []
    assert len(dropped.rows("train")) == len(material.rows("train")) - 2
    assert len(dropped.rows("test")) == 20
    assert "2 patches are taken out of training" in caplog.text


def test_a_random_split_is_leaky_and_its_file_repeats_it(load: Load, tmp_path: Path) -> None:
    material = load("split=random", "leaks.duplicates=warn")
    assert material.leaky
    assert len(material.leaks.patients) == 5
    file = tmp_path / "splits.csv"
    write_split_csv(material.index, file)
    again = ("split=predefined", f"split.file={file}", "leaks.duplicates=warn")
    with pytest.raises(DataError, match=r"5 patient.*allow_leak=true"):
        load(*again)
    repeated = load(*again, "split.allow_leak=true")
    assert repeated.index["split"].tolist() == material.index["split"].tolist()
    assert repeated.leaky


def test_left_out_training_patients_are_unused(load: Load) -> None:
    material = load(*SPLITS, "split.train_patients=1", "leaks.duplicates=drop")
    assert len(set(material.rows("train")["patient"])) == 1
    assert len(material.used) < len(material.index)
    assert len(material.rows("test")) == 20
