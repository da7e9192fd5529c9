"""Images in class folders: classes, patients, splits, and what is refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from radiology_files import dicom

from idc.data.sources.folder import FolderSource
from idc.errors import ConfigError, DataError


def write(root: Path, *names: str, size: tuple[int, int] = (40, 30)) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        cv2.imwrite(str(path), rng.integers(0, 255, (*size, 3), dtype=np.uint8))
    return root


def test_class_folders_of_any_depth_format_and_size(tmp_path: Path) -> None:
    root = write(tmp_path, "cat/a.png", "cat/deep/er/b.JPG", "dog/c.tif", "dog/d.webp")
    write(root, "dog/large.bmp", size=(90, 200))
    (root / "cat" / "notes.txt").touch()
    source = FolderSource(root, patch_size=32, positive="dog")
    scan = source.scan()
    assert source.class_names == ("cat", "dog")
    assert dict(zip(scan.index["path"], scan.index["label"], strict=True)) == {
        "cat/a.png": 0,
        "cat/deep/er/b.JPG": 0,
        "dog/c.tif": 1,
        "dog/d.webp": 1,
        "dog/large.bmp": 1,
    }
    assert [(some.files, some.examples) for some in scan.not_read] == [(1, ("cat/notes.txt",))]
    pixels = source.read(scan.index)
    assert pixels.patches.shape == (5, 32, 32, 3)
    assert (pixels.facts["problem"] == "").all()
    assert pixels.patches.reshape(5, -1).any(axis=1).all()


def test_without_a_pattern_each_image_is_a_patient_of_its_own(tmp_path: Path) -> None:
    source = FolderSource(write(tmp_path, "a/1.png", "b/1.png", "b/2.png"), positive="b")
    assert not source.patients_known
    assert source.scan().index["patient"].tolist() == ["a/1.png", "b/1.png", "b/2.png"]


def test_patients_from_a_pattern_or_the_images_folder(tmp_path: Path) -> None:
    root = write(tmp_path, "a/p1/x_S7_1.png", "b/p1/x_S7_2.png", "b/p2/x_S8_1.png", "b/odd.png")
    by_name = FolderSource(root, positive="b", patient_pattern=r"_S(?P<patient>\d+)_")
    index = by_name.scan().index.set_index("path")
    assert by_name.patients_known
    assert index["patient"].to_dict() == {
        "a/p1/x_S7_1.png": "7",
        "b/odd.png": "",
        "b/p1/x_S7_2.png": "7",
        "b/p2/x_S8_1.png": "8",
    }
    assert index.loc["b/odd.png", ["label", "checks"]].tolist() == [-1, "bad_name"]
    by_folder = FolderSource(root, positive="b", patient_pattern="folder").scan().index
    assert by_folder["patient"].tolist() == ["p1", "", "p1", "p2"]
    assert by_name.options != FolderSource(root, positive="b").options


def test_split_folders_are_kept_beside_the_index(tmp_path: Path) -> None:
    root = write(tmp_path, "Train/a/1.png", "Train/b/2.png", "valid/a/3.png", "test/b/4.png")
    source = FolderSource(root, positive="a")
    index = source.scan().index
    assert source.class_names == ("b", "a")
    splits = dict(zip(index["path"], index["predefined_split"], strict=True))
    assert splits == {
        "Train/a/1.png": "train",
        "Train/b/2.png": "train",
        "test/b/4.png": "test",
        "valid/a/3.png": "val",
    }
    assert "predefined_split" not in FolderSource(root / "Train", positive="a").scan().index


@pytest.mark.parametrize(
    ("names", "options", "error", "words"),
    [
        (("set/a/1.png", "set/b/2.png"), {}, DataError, r"data\.root=.*set"),
        (("train/a/1.png", "other/b/2.png"), {}, DataError, r"\(train\) and others \(other\)"),
        (("a/1.png", "b/2.png"), {}, ConfigError, r"positive class: a or b"),
        (("a/1.png", "b/2.png"), {"patient_pattern": "("}, ConfigError, "no regular expression"),
        (("a/1.png", "b/2.png"), {"patient_pattern": "a"}, ConfigError, "has no group"),
        (
            ("a/1.png", "b/2.png"),
            {"patient_pattern": "(?P<patient>Q)", "positive": "a"},
            DataError,
            "none of the 2 images, such as a/1.png",
        ),
    ],
)
def test_what_cannot_work_is_refused(
    tmp_path: Path, names, options: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        FolderSource(write(tmp_path, *names), **options).scan()


def test_dicom_files_with_or_without_a_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8) * 65
    for number, name in enumerate(("a/one.dcm", "a/IM0001", "b/1.2.840.77", "b/Two.DICOM")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(dicom(pixels, number // 2, BitsStored=12))
    (tmp_path / "b" / "LICENSE").write_text("words")
    scan = FolderSource(tmp_path, positive="b", window=[2048, 4096]).scan()
    assert scan.index["path"].tolist() == ["a/IM0001", "a/one.dcm", "b/1.2.840.77", "b/Two.DICOM"]
    assert scan.not_read[0].examples == ("b/LICENSE",)
    plain, windowed = (FolderSource(tmp_path, positive="b", window=w) for w in (None, [500, 100]))
    assert plain.options != windowed.options
    assert plain.read(scan.index).facts["problem"].tolist() == [""] * 4
    assert windowed.read(scan.index).patches.max() == 255

    with pytest.raises(ConfigError, match="IDC_PSEUDONYM_KEY"):
        FolderSource(tmp_path, positive="b", patient_pattern="dicom")
    monkeypatch.setenv("IDC_PSEUDONYM_KEY", "0123456789abcdef-secret")
    source = FolderSource(tmp_path, positive="b", patient_pattern="dicom")
    patients = source.scan().index["patient"].tolist()
    assert all(patient.startswith("p-") for patient in patients)
    assert patients[0] == patients[1] != patients[2] == patients[3]
    monkeypatch.setenv("IDC_PSEUDONYM_KEY", "another-key-of-sixteen")
    other = FolderSource(tmp_path, positive="b", patient_pattern="dicom")
    assert other.options != source.options
    with pytest.raises(DataError, match="no DICOM files with a PatientID"):
        write(tmp_path / "plain", "a/1.png", "b/2.png")
        FolderSource(tmp_path / "plain", positive="b", patient_pattern="dicom").scan()
