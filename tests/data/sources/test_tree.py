"""All that lies below the root is a patch, or is counted with the reason why it is none."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from idc.data.sources.base import Scan
from idc.data.sources.idc import (
    NESTED_COPY,
    SECOND_COPY,
    TOO_DEEP,
    TOO_HIGH,
    IdcSource,
)
from idc.data.sources.synthetic import kaggle_path
from idc.data.sources.tree import EXAMPLES, HIDDEN, LINKED, NO_FILE, NO_IMAGE, NO_UTF8
from idc.errors import DataError

Folder = Callable[..., Path]
PATIENTS = {"9001": (3, 2), "9002": (1, 4)}


@pytest.fixture
def root(kaggle: Folder) -> Path:
    return kaggle(PATIENTS)


def counted(scan: Scan) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {some.why: (some.files, some.examples) for some in scan.not_read}


def test_a_clean_set_has_nothing_to_count(root: Path) -> None:
    scan = IdcSource(root).scan()
    assert (len(scan.index), scan.not_read, scan.ignored) == (10, (), {})
    assert set(scan.folders) == {".", *(f"{p}{c}" for p in PATIENTS for c in ("", "/0", "/1"))}


@pytest.mark.parametrize("suffix", ["PNG", "jpg", "JPEG", "tif", "TIFF", "bmp", "webp"])
def test_images_of_other_suffixes_are_patches(root: Path, suffix: str) -> None:
    for path in sorted((root / "9001").rglob("*.png")):
        new = path.with_suffix(f".{suffix}")
        Image.open(path).save(new)
        if new != path:
            path.unlink()
    source = IdcSource(root)
    scan = source.scan()
    assert scan.not_read == ()
    assert (scan.index["checks"] == "").all()
    assert scan.index.groupby("patient")["label"].sum().to_dict() == {"9001": 2, "9002": 4}
    facts = source.read(scan.index).facts
    assert (facts["problem"] == "").all()
    assert set(facts["mode"]) == {"8-bit RGB"}


def test_files_at_other_levels_and_of_other_kinds_are_counted_by_name(root: Path) -> None:
    patch = root / kaggle_path("9001", 1, 1, 0)
    for number in range(9):
        shutil.copy(patch, root / "9001" / f"high{number}.png")
    shutil.copy(patch, root / "top.PNG")
    (root / "9002" / "1" / "more" / "yet").mkdir(parents=True)
    shutil.copy(patch, root / "9002" / "1" / "more" / "b.png")
    shutil.copy(patch, root / "9002" / "1" / "more" / "yet" / "a.tif")
    for place in ("README.txt", "9001/notes", "9001/0/slide.svs", "9002/1/more/list.csv"):
        (root / place).write_bytes(b"x")
    scan = IdcSource(root).scan()
    assert len(scan.index) == 10
    assert counted(scan) == {
        TOO_HIGH: (10, ("top.PNG", *(f"9001/high{number}.png" for number in range(EXAMPLES - 1)))),
        TOO_DEEP: (2, ("9002/1/more/b.png", "9002/1/more/yet/a.tif")),
        NO_IMAGE: (4, ("README.txt", "9001/notes", "9001/0/slide.svs", "9002/1/more/list.csv")),
    }
    assert {"9002/1/more", "9002/1/more/yet"} <= set(scan.folders)


def test_hidden_and_system_files_are_counted_apart(root: Path) -> None:
    (root / "__MACOSX" / "9001").mkdir(parents=True)
    (root / "__MACOSX" / "9001" / "._a.png").write_bytes(b"x")
    for place in (".DS_Store", "9001/Thumbs.db", "9001/0/._9001_idx5_x1_y1_class0.png"):
        (root / place).write_bytes(b"x")
    (root / "9002" / "1" / "desktop.ini").write_bytes(b"x")
    scan = IdcSource(root).scan()
    assert (len(scan.index), scan.not_read, scan.ignored) == (10, (), {HIDDEN: 5})


def test_the_second_copy_is_counted_and_read_only_where_it_stands_alone(root: Path) -> None:
    shutil.copytree(root, root.parent / "copy")
    shutil.move(root.parent / "copy", root / NESTED_COPY)
    scan = IdcSource(root).scan()
    assert (len(scan.index), scan.not_read, scan.ignored) == (10, (), {SECOND_COPY: 10})
    for patient in PATIENTS:
        shutil.rmtree(root / patient)
    (root / "__MACOSX").mkdir()
    (root / "docs").mkdir()
    (root / "docs" / "a.png").write_bytes(b"x")
    scan = IdcSource(root).scan()
    assert len(scan.index) == 10
    assert set(scan.index["path"].str.split("/").str[0]) == {NESTED_COPY}
    assert counted(scan) == {TOO_HIGH: (1, ("docs/a.png",))}


def test_an_empty_set_says_what_lies_there(root: Path) -> None:
    for path in sorted(root.rglob("*.png")):
        path.rename(root / path.name)
    with pytest.raises(DataError, match=r"no image found.*\n  10 x above .*9001_idx5_x1_y1"):
        IdcSource(root).scan()


def test_what_is_no_file_is_counted_and_never_waited_for(root: Path) -> None:
    place = root / "9001" / "0"
    os.mkfifo(place / "9001_idx5_x901_y1_class0.png")
    (place / "gone.png").symlink_to("nowhere")
    (place / "self.png").symlink_to("self.png")
    (root / "pipe").symlink_to("9001/0/9001_idx5_x901_y1_class0.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place / "s.png"))
        scan = IdcSource(root).scan()
    assert len(scan.index) == 10
    assert counted(scan)[NO_FILE][0] == 5


def test_a_pipe_that_took_a_files_place_is_not_waited_for(root: Path) -> None:
    source = IdcSource(root)
    index = source.scan().index
    path = root / index["path"][0]
    path.unlink()
    os.mkfifo(path)
    problems = source.read(index).facts["problem"]
    assert problems[0] == "it is no ordinary file"
    assert (problems[1:] == "").all()


def test_links_are_followed_to_patients_and_classes_but_never_in_a_circle(root: Path) -> None:
    away = root.parent / "away"
    shutil.move(root / "9001", away)
    (root / "9001").symlink_to(away)
    for name in ("a", "b"):
        for folder in (root, root / "9002", root / "9002" / "1", away, away / "0"):
            (folder / name).symlink_to(root)
    scan = IdcSource(root).scan()
    assert len(scan.index) == 10
    # Two in each folder above the classes, two in each class: none is gone into, or only once.
    assert counted(scan)[LINKED][0] >= 8
    assert sum(some.files for some in scan.not_read) < 100
    assert len(scan.folders) < 50


def test_names_that_are_not_utf8_are_counted_and_named(root: Path) -> None:
    patch = (root / kaggle_path("9001", 1, 1, 0)).read_bytes()
    place = os.fsencode(root / "9001" / "0")
    folder = Path(os.fsdecode(os.fsencode(root) + b"/pati\xe9nt/0"))
    folder.mkdir(parents=True)
    for path in (place + b"/9001_idx5_x1_y\xff1_class0.png", os.fsencode(folder / "a.png")):
        Path(os.fsdecode(path)).write_bytes(patch)
    scan = IdcSource(root).scan()
    assert len(scan.index) == 10
    assert counted(scan) == {
        NO_UTF8: (2, ("pati\\xe9nt/0/a.png", "9001/0/9001_idx5_x1_y\\xff1_class0.png"))
    }


def test_names_beyond_ascii_are_patches(kaggle: Folder) -> None:
    scan = IdcSource(kaggle({"患者一": (2, 1)})).scan()
    assert (scan.index["patient"].tolist(), scan.not_read) == (["患者一"] * 3, ())


def test_a_folder_that_cannot_be_opened_is_counted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_folder = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("9001/0"):
            raise PermissionError(13, "Permission denied", path)
        return open_folder(path)

    monkeypatch.setattr(os, "scandir", refuse)
    scan = IdcSource(root).scan()
    assert len(scan.index) == 7
    assert counted(scan) == {"a folder that cannot be opened (Permission denied)": (1, ("9001/0",))}


@pytest.mark.parametrize("patient", ["TCGA_A1_0001", "_", "a_idx5_b", "p 1", "A-7.x"])
def test_patients_may_have_any_name(kaggle: Folder, patient: str) -> None:
    index = IdcSource(kaggle({patient: (2, 1)})).scan().index
    assert index["patient"].tolist() == [patient] * 3
    assert index["checks"].tolist() == [""] * 3


@pytest.mark.parametrize("number", ["9" * 10, "9223372036854775808", "9" * 5000, "٣"])
def test_positions_that_no_slide_has_are_bad_names(root: Path, number: str) -> None:
    name = f"9001_idx5_x{number[:200]}_y1_class0.png"
    cv2.imwrite(str(root / "9001" / "0" / "new.png"), np.zeros((50, 50, 3), np.uint8))
    (root / "9001" / "0" / "new.png").rename(root / "9001" / "0" / name)
    index = IdcSource(root).scan().index
    assert index.loc[index["checks"] == "bad_name", "path"].tolist() == [f"9001/0/{name}"]


def test_a_large_image_is_a_finding_and_takes_no_memory(root: Path) -> None:
    source = IdcSource(root, max_pixels=64 * 64 - 1)
    path = root / source.scan().index["path"][0]
    cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))
    pixels = source.read(source.scan().index)
    row = pixels.facts.loc[0]
    assert (row["width"], row["height"]) == (64, 64)
    assert "data.max_pixels" in row["problem"]
    assert not pixels.patches[0].any()
    assert IdcSource(root).options != source.options  # a store of its own
    with path.open("r+b") as file:
        file.truncate(2**40)  # sparse: to read it would take all memory
    facts = source.read(source.scan().index).facts
    assert "data.max_pixels" in facts["problem"][0]
    assert facts["bytes"][0] == 2**40
