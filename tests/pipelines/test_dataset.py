"""The one data preparation: pseudonyms, splits of the set's own, unknown patients."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from idc.errors import ConfigError, DataError
from idc.pipelines.dataset import load_material, load_unsplit
from idc.tracking.privacy import PSEUDONYM, Pseudonyms, Redactor

Compose = Callable[..., dict[str, Any]]
DRAWN = ("data.patients=5", "data.patches_per_patient=12")
NAMES = Pseudonyms("a secret of some length")


@pytest.fixture
def hiding(tmp_path: Path) -> Redactor:
    return Redactor(True, NAMES, tmp_path)


def write_folders(root: Path, *folders: str, images: int = 6) -> Path:
    rng = np.random.default_rng(0)
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for number in range(images):
            image = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
            cv2.imwrite(str(root / folder / f"{number}.png"), image)
    return root


def of_folder(compose: Compose, root: Path, *overrides: str) -> dict[str, Any]:
    places = (f"data.root={root}", f"paths.stores={root.parent / 'stores'}")
    options = ("data=folder", *places, "data.positive=b", "data.patch_size=16")
    return compose(*options, "leaks.near_duplicates=warn", *overrides)


@pytest.mark.parametrize("split", ["split=patient", "split=random"])
def test_pseudonyms_change_names_and_nothing_else(
    compose: Compose, hiding: Redactor, split: str
) -> None:
    config = compose(*DRAWN, split)
    plain, hidden = load_material(config), load_material(config, hiding)
    assert hidden.index["patient"].map(lambda name: bool(PSEUDONYM.fullmatch(name))).all()
    assert not hidden.index["path"].str.contains("_idx5|class").any()
    assert hidden.index["patient"].tolist() == [NAMES.of(n) for n in plain.index["patient"]]
    rest = plain.index.columns.difference(["patient", "path", "duplicate_of"])
    assert hidden.index[rest].equals(plain.index[rest])  # the split too
    assert hidden.fingerprint == plain.fingerprint
    rows = np.arange(12)
    assert plain.truth is not None
    assert hidden.truth is not None
    assert (plain.truth(rows) == hidden.truth(rows)).all()


def test_a_split_may_name_patients_by_either_name(compose: Compose, hiding: Redactor) -> None:
    own = load_material(compose(*DRAWN, "split.test_patients=[9002]"), hiding)
    assert set(own.rows("test")["patient"]) == {NAMES.of("9002")}
    named = load_material(compose(*DRAWN, f"split.test_patients=[{NAMES.of('9002')}]"), hiding)
    assert named.index["split"].tolist() == own.index["split"].tolist()


def test_data_that_are_only_tested(compose: Compose, hiding: Redactor) -> None:
    material = load_unsplit(compose(*DRAWN), hiding)
    assert set(material.index["split"]) == {"test"}
    assert material.leaks.sentences() == []
    assert material.index["patient"].str.startswith("p-").all()


def test_split_folders_are_used_when_they_are_asked_for(
    compose: Compose, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = [f"{split}/{name}" for split in ("train", "val", "test") for name in "ab"]
    root = write_folders(tmp_path / "set", *folders)
    material = load_material(of_folder(compose, root, "split=predefined"))
    assert (material.index["path"].str.split("/").str[0] == material.index["split"]).all()
    assert material.source.class_names == ("a", "b")
    with caplog.at_level(logging.WARNING):
        other = load_material(of_folder(compose, root))
    assert "split=predefined uses them" in caplog.text
    assert other.index["split"].tolist() != material.index["split"].tolist()


def test_a_set_without_splits_of_its_own(compose: Compose, tmp_path: Path) -> None:
    root = write_folders(tmp_path / "set", "a", "b")
    with pytest.raises(ConfigError, match="no splits of its own"):
        load_material(of_folder(compose, root, "split=predefined"))


def test_unknown_patients_are_warned_of(
    compose: Compose, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_folders(tmp_path / "set", "a/one", "a/two", "a/three", "b/one", "b/two", "b/three")
    with caplog.at_level(logging.WARNING):
        unknown = load_material(of_folder(compose, root))
    assert "do not say which images are of one patient" in caplog.text
    assert len(unknown.leaks.sentences()) == 1
    assert unknown.index["patient"].nunique() == 36
    known = load_material(of_folder(compose, root, "data.patient_pattern=folder"))
    assert known.leaks.sentences() == []
    assert set(known.index["patient"]) == {"one", "two", "three"}
    assert known.index.groupby("patient")["split"].nunique().tolist() == [1, 1, 1]


def test_what_is_to_fail_names_files_as_they_are(
    compose: Compose, tmp_path: Path, hiding: Redactor
) -> None:
    """The message goes to the screen, where the user must find the file."""
    root = write_folders(tmp_path / "set", "a", "b")
    (root / "a" / "0.png").write_bytes(b"")
    config = of_folder(compose, root, "audit.unreadable=fail")
    with pytest.raises(DataError, match=r"unreadable: 1 file.*\n  a/0\.png"):
        load_material(config, hiding)
