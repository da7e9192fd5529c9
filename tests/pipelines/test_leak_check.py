"""What crosses the splits is found when a run's data are loaded, from a store as from files."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from idc.data.material import Material
from idc.data.sources.synthetic import kaggle_path
from idc.data.split.csv_file import write_split_csv
from idc.errors import DataError
from idc.pipelines.dataset import load_material

FIVE = {f"900{i}": (12, 8) for i in range(5)}
SPLITS = ("split.test_patients=[9004]", "split.val_patients=[9003]")
Load = Callable[..., Material]


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
    assert material.rows("train")["patient"].nunique() == 1
    assert len(material.used) < len(material.index)
    assert len(material.rows("test")) == 20
