import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import pandas as pd
import pytest

from conftest import BREAKS
from idc.data.sources.idc import NESTED_COPY, IdcSource
from idc.errors import DataError

Folder = Callable[..., Path]
PATIENTS = {"9001": (3, 2), "9002": (1, 4)}


def one(root: Path, pattern: str = "9001/0/*.png") -> Path:
    return sorted(root.glob(pattern))[0]


def test_scan_reads_patient_position_and_label(kaggle: Folder) -> None:
    index = IdcSource(kaggle(PATIENTS)).scan().index
    assert index.groupby("patient")["label"].sum().to_dict() == {"9001": 2, "9002": 4}
    assert len(index) == 10
    row = index[index["path"] == "9001/1/9001_idx5_x51_y51_class1.png"].iloc[0]
    assert (row["x"], row["y"], row["label"], row["patient"]) == (51, 51, 1, "9001")


def test_nested_second_copy_is_not_counted(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    once = IdcSource(root).scan().index
    shutil.copytree(root, root.parent / "copy")
    shutil.move(root.parent / "copy", root / NESTED_COPY)
    assert IdcSource(root).scan().index.equals(once)


def test_only_the_nested_folder_is_read_when_it_stands_alone(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    outer = root.parent / "outer"
    outer.mkdir()
    shutil.move(root, outer / NESTED_COPY)
    assert len(IdcSource(outer).scan().index) == 10


def test_read_gives_rgb_pixels_and_facts_in_index_order(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    source = IdcSource(root)
    index = source.scan().index
    pixels = source.read(index)
    assert pixels.patches.shape == (10, 50, 50, 3)
    for i in (0, 9):
        path = root / index["path"][i]
        assert (pixels.patches[i] == cv2.imread(str(path))[:, :, ::-1]).all()
        row = pixels.facts.loc[i]
        assert row["hash"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (row["bytes"], row["mtime"]) == (path.stat().st_size, path.stat().st_mtime_ns)
        assert (row["width"], row["height"], row["mode"]) == (50, 50, "8-bit RGB")
        assert row["problem"] == ""
    part = source.read(index.iloc[[9, 2]])
    assert (part.patches == pixels.patches[[9, 2]]).all()


def test_smaller_edge_patches_are_padded_and_told(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    path = one(root)
    image = cv2.imread(str(path))[:42]
    cv2.imwrite(str(path), image)
    pixels = IdcSource(root).read(IdcSource(root).scan().index)
    assert (pixels.patches[0][:42] == image[:, :, ::-1]).all()
    assert (pixels.patches[0][42] == pixels.patches[0][41]).all()  # mirrored, not blank
    assert pixels.facts["height"].tolist() == [42] + [50] * 9


def test_missing_and_empty_roots(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.root: there is no folder"):
        IdcSource(tmp_path / "nowhere").scan()
    with pytest.raises(DataError, match="no image found"):
        IdcSource(tmp_path).scan()


@pytest.mark.parametrize("how", BREAKS)
def test_broken_and_odd_files_are_told_of(kaggle: Folder, how: str) -> None:
    root = kaggle(PATIENTS)
    path = one(root)
    BREAKS[how](path)
    pixels = IdcSource(root).read(IdcSource(root).scan().index)
    problem, mode = pixels.facts.loc[0, ["problem", "mode"]]
    if how in ("corrupt", "truncated", "0-byte"):
        assert problem
        assert not pixels.patches[0].any()
    else:
        assert not problem
        assert mode != "8-bit RGB"
        assert pixels.patches[0].any()
    assert (pixels.facts["problem"][1:] == "").all()


def test_a_file_that_is_gone_is_told_of(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    index = IdcSource(root).scan().index
    one(root).unlink()
    assert "cannot be opened" in IdcSource(root).read(index).facts["problem"][0]


def test_a_wrong_name_is_told_of(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    one(root).rename(one(root).with_name("holiday.png"))
    index = IdcSource(root).scan().index
    assert len(index) == 10
    (row,) = index[index["checks"] == "bad_name"].to_dict("records")
    assert (row["path"], row["patient"], row["label"]) == ("9001/0/holiday.png", "9001", -1)


@pytest.mark.parametrize(
    ("target", "checks"),
    [
        ("9001/1", "label_mismatch"),
        ("9002/0", "patient_mismatch"),
        ("9002/1", "label_mismatch,patient_mismatch"),
    ],
)
def test_name_and_folder_must_agree(kaggle: Folder, target: str, checks: str) -> None:
    root = kaggle(PATIENTS)
    path = one(root)
    path.rename(root / target / path.name)
    index = IdcSource(root).scan().index
    (row,) = index[index["checks"] != ""].to_dict("records")
    assert row["checks"] == checks
    assert (row["patient"], row["label"]) == ("9001", 0)  # the name's


@pytest.mark.slow
@pytest.mark.real
def test_hashes_are_those_of_the_manifest(real_patches: Path) -> None:
    manifest = pd.read_csv(real_patches.parent / "idc_manifest.csv", dtype={"patient": str})
    source = IdcSource(real_patches)
    index = source.scan().index
    assert len(index) == len(manifest)
    facts = index.join(source.read(index).facts)
    merged = facts.merge(manifest, on=["patient", "x", "y", "label"], suffixes=("", "_m"))
    assert len(merged) == len(index)
    assert (merged["hash"] == merged["sha256"]).all()
    assert (
        merged[["width", "height"]].to_numpy() == merged[["width_m", "height_m"]].to_numpy()
    ).all()
