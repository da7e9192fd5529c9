import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from idc.data.sources.idc import NESTED_COPY, IdcSource
from idc.errors import DataError

Folder = Callable[..., Path]
PATIENTS = {"9001": (3, 2), "9002": (1, 4)}


def one(root: Path, pattern: str = "9001/0/*.png") -> Path:
    return sorted(root.glob(pattern))[0]


def test_scan_reads_patient_position_and_label(kaggle: Folder) -> None:
    index = IdcSource(kaggle(PATIENTS)).scan()
    assert index.groupby("group")["label"].sum().to_dict() == {"9001": 2, "9002": 4}
    assert len(index) == 10
    row = index[index["path"] == "9001/1/9001_idx5_x51_y51_class1.png"].iloc[0]
    assert (row["x"], row["y"], row["label"], row["group"]) == (51, 51, 1, "9001")


def test_nested_second_copy_is_not_counted(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    once = IdcSource(root).scan()
    shutil.copytree(root, root.parent / "copy")
    shutil.move(root.parent / "copy", root / NESTED_COPY)
    assert IdcSource(root).scan().equals(once)


def test_only_the_nested_folder_is_read_when_it_stands_alone(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    outer = root.parent / "outer"
    outer.mkdir()
    shutil.move(root, outer / NESTED_COPY)
    assert len(IdcSource(outer).scan()) == 10


def test_read_gives_rgb_pixels_in_index_order(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    source = IdcSource(root)
    index = source.scan()
    pixels = source.read(index)
    assert pixels.patches.shape == (10, 50, 50, 3)
    for i in (0, 9):
        expected = cv2.imread(str(root / index["path"][i]))[:, :, ::-1]
        assert (pixels.patches[i] == expected).all()


def test_fingerprint_follows_pixels_and_labels(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    source = IdcSource(root)
    index = source.scan()
    before = source.read(index).fingerprint
    assert source.read(index).fingerprint == before
    path = one(root)
    image = cv2.imread(str(path))
    image[0, 0, 0] ^= 1
    cv2.imwrite(str(path), image)
    assert source.read(index).fingerprint != before
    relabelled = index.assign(label=1 - index["label"])
    assert source.read(relabelled).fingerprint != source.read(index).fingerprint


def test_smaller_edge_patches_are_padded_and_counted(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    path = one(root)
    cv2.imwrite(str(path), cv2.imread(str(path))[:42])
    pixels = IdcSource(root).read(IdcSource(root).scan())
    assert list(pixels.notes.values()) == [1]
    assert pixels.readable.all()


def test_missing_and_empty_roots(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.root: there is no folder"):
        IdcSource(tmp_path / "nowhere").scan()
    with pytest.raises(DataError, match="no patch found"):
        IdcSource(tmp_path).scan()


def break_file(path: Path, how: str) -> None:
    image = cv2.imread(str(path))
    if how == "empty":
        path.write_bytes(b"")
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-200])
    elif how == "corrupt":
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"rubbish" * 9 + b"IEND\xaeB`\x82")
    elif how == "grey":
        cv2.imwrite(str(path), image[:, :, 0])
    elif how == "rgba":
        cv2.imwrite(str(path), np.dstack([image, image[:, :, 0]]))
    else:
        cv2.imwrite(str(path), image.astype(np.uint16) * 257)


@pytest.mark.parametrize("how", ["empty", "truncated", "corrupt"])
def test_broken_file_fails_by_name_or_is_dropped(kaggle: Folder, how: str) -> None:
    root = kaggle(PATIENTS)
    path = one(root)
    break_file(path, how)
    index = IdcSource(root).scan()
    with pytest.raises(DataError, match=path.name):
        IdcSource(root).read(index)
    pixels = IdcSource(root, on_unreadable="drop").read(index)
    assert (~pixels.readable).sum() == 1
    assert index["path"][int((~pixels.readable).argmax())].endswith(path.name)
    assert sum(pixels.notes.values()) == 1


@pytest.mark.parametrize("how", ["grey", "rgba", "16-bit"])
def test_odd_mode_fails_by_name_is_dropped_or_converted(kaggle: Folder, how: str) -> None:
    root = kaggle(PATIENTS)
    path = one(root)
    break_file(path, how)
    index = IdcSource(root).scan()
    with pytest.raises(DataError, match=path.name):
        IdcSource(root).read(index)
    assert (~IdcSource(root, on_odd_mode="drop").read(index).readable).sum() == 1
    converted = IdcSource(root, on_odd_mode="convert").read(index)
    assert converted.readable.all()
    assert any("converted" in note for note in converted.notes)


def test_wrong_name_fails_or_is_dropped(kaggle: Folder) -> None:
    root = kaggle(PATIENTS)
    one(root).rename(one(root).with_name("holiday.png"))
    with pytest.raises(DataError, match=r"holiday\.png"):
        IdcSource(root).scan()
    source = IdcSource(root, on_bad_name="drop")
    assert len(source.scan()) == 9
    assert sum(source.read(source.scan()).notes.values()) >= 1


@pytest.mark.parametrize(("target", "says"), [("9001/1", "class 0"), ("9002/0", "patient 9001")])
def test_name_and_folder_must_agree(kaggle: Folder, target: str, says: str) -> None:
    root = kaggle(PATIENTS)
    path = one(root)
    path.rename(root / target / path.name)
    with pytest.raises(DataError, match=f"(?s){path.name}.*{says}"):
        IdcSource(root).scan()
