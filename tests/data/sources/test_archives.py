"""Each named data set, as its archive lies on the disk: classes, patients, splits, errors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from data.archives import ARCHIVES, isic
from idc.config.build import build
from idc.data.sources.base import Source
from idc.data.store.build import identity, read_measured
from idc.errors import ConfigError, DataError

Compose = Callable[..., dict[str, Any]]
EXPECTED = {  # classes, images, patients
    "malaria": (("Uninfected", "Parasitized"), 72, 9),
    "ham10000": (("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"), 84, 40),
    "chest_xray": (("rest", "Mass or Nodule"), 72, 36),
    "breakhis": (("benign", "malignant"), 96, 11),
    "bach": (("Normal", "Benign", "InSitu", "Invasive"), 480, 40),
    "pcam": (("no tumour", "tumour"), 80, 20),
}
SMALL = {"bach": ("data.tile=16", "data.stride=16")}


@pytest.fixture
def make(tmp_path: Path, compose: Compose) -> Callable[..., Source]:
    """The source of a set whose archive lies below the test's folder, built as `idc.train` does."""

    def source(name: str, *overrides: str, write: bool = True, below: str = "") -> Source:
        if write:
            ARCHIVES[name](tmp_path)
        given = (f"data={name}", f"data.root={tmp_path / below}", *SMALL.get(name, ()))
        return build(compose(*given, *overrides)["data"]["source"], "data")

    return source


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_is_read_as_it_was_unpacked(name: str, make: Callable[..., Source]) -> None:
    source = make(name)
    scan = source.scan()
    index = scan.index
    assert (source.class_names, len(index), index["patient"].nunique()) == EXPECTED[name]
    assert not scan.not_read
    assert not index["checks"].any()
    assert sorted(index["label"].unique()) == list(range(len(source.class_names)))
    some = index.iloc[[0, 1, len(index) // 2, -1]]
    patches, facts = read_measured(source, some)
    assert not facts["problem"].any()
    assert patches.any(axis=(1, 2, 3)).all()
    # What is read again is known by its file's size and time.
    same = facts[["bytes", "mtime"]].to_numpy() == identity(source, some["path"])
    assert same.all()


def test_cells_of_one_patient_on_two_slides_stay_together(make: Callable[..., Source]) -> None:
    names = ["C37AP2_a_cell_1", "C37BP2_a_cell_2", "C51AP12thinF_1", "C99_1", "C176P137NThinF_1"]
    source = make("malaria")
    assert source.root is not None
    for name in names:
        first = next((source.root / "cell_images/Uninfected").glob("*.png"))
        first.rename(first.with_name(f"{name}.png"))
    found = source.scan().index.set_index("path")["patient"]
    patients = [found[f"cell_images/Uninfected/{name}.png"] for name in names]
    assert patients == ["C37P2", "C37P2", "C51P12", "C99", "C176P137"]


def test_a_patient_with_two_kinds_of_tumour_is_one(make: Callable[..., Source]) -> None:
    index = make("breakhis", "data.subtypes=true", "data.positive=null").scan().index
    assert index.loc[index["patient"] == "14-13412", "label"].nunique() == 2
    one = make("breakhis", "data.magnification=40X", write=False).scan()
    assert len(one.index) == 24
    assert one.index["path"].str.contains("/40X/").all()


def test_the_two_distributions_of_ham10000_say_the_same(
    tmp_path: Path, make: Callable[..., Source]
) -> None:
    own = make("ham10000").scan().index
    isic(tmp_path)
    other = make("ham10000", write=False).scan().index
    pd.testing.assert_frame_equal(own, other)


def test_official_lists_are_a_split_without_a_shared_patient(make: Callable[..., Source]) -> None:
    index = make("chest_xray").scan().index
    assert set(index["predefined_split"]) == {"train", "val", "test"}
    assert index.groupby("patient")["predefined_split"].nunique().eq(1).all()
    assert index.loc[index["predefined_split"] == "test", "patient"].nunique() == 10


def test_squares_tile_an_image_at_their_positions(make: Callable[..., Source]) -> None:
    source = make("bach", "data.patch_size=16")
    index = source.scan().index
    one = index[index["patient"] == index["patient"].iloc[0]]
    assert len(one) == 12
    assert set(zip(one["x"], one["y"], strict=True)) == {
        (x, y) for x in (0, 16, 32, 48) for y in (0, 16, 32)
    }
    with pytest.raises(ConfigError, match=r"data\.stride=32"):
        make("bach", "data.stride=32", write=False)
    with pytest.raises(DataError, match="64x48 pixels"):
        make("bach", "data.tile=512", write=False).scan()


@pytest.mark.parametrize(
    ("name", "below", "words"),
    [
        ("malaria", "cell_images/Parasitized", "set data.root="),
        ("bach", "ICIAR2018_BACH_Challenge/Photos/Benign", "set data.root="),
        ("breakhis", "BreaKHis_v1/histology_slides/none", "no folder"),
        ("ham10000", "HAM10000_images_part_1", "HAM10000_metadata.csv"),
        ("pcam", "none", "no folder"),
    ],
)
def test_a_wrong_folder_is_named(
    name: str, below: str, words: str, make: Callable[..., Source]
) -> None:
    with pytest.raises((DataError, ConfigError), match=words):
        make(name, below=below).scan()


def test_arrays_and_slides_of_two_archives_do_not_mix(
    tmp_path: Path, make: Callable[..., Source]
) -> None:
    source = make("pcam")
    meta = tmp_path / "camelyonpatch_level_2_split_test_meta.csv"
    meta.write_text("\n".join(meta.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(DataError, match="15 lines for 16 patches"):
        source.scan()
    (tmp_path / "camelyonpatch_level_2_split_valid_x.h5").write_bytes(b"no HDF5")
    with pytest.raises(DataError, match="valid_x"):
        source.read(pd.DataFrame({"path": ["valid/000001"]}))


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((40, 96, 96, 3), np.uint8), "40 patches for 48 labels"),
        (np.zeros((60, 96, 96, 3), np.uint8), "60 patches for 48 labels"),
        (np.zeros((48, 96, 96), np.uint8), "of shape"),
        (np.zeros((48, 96, 96, 3), np.float32), "float32"),
    ],
)
def test_arrays_of_other_pixels_are_refused_before_any_is_packed(
    pixels: NDArray[Any], words: str, tmp_path: Path, make: Callable[..., Source]
) -> None:
    source = make("pcam")
    with h5py.File(tmp_path / "camelyonpatch_level_2_split_train_x.h5", "w") as file:
        file["x"] = pixels
    with pytest.raises(DataError, match=words):
        source.scan()


def test_a_patch_of_no_slide_is_refused(tmp_path: Path, make: Callable[..., Source]) -> None:
    source = make("pcam")
    meta = tmp_path / "camelyonpatch_level_2_split_train_meta.csv"
    meta.write_text(meta.read_text().replace("camelyon16_train_003", ""))
    with pytest.raises(DataError, match="line 14, column wsi"):
        source.scan()


def test_an_image_of_no_lesion_is_named(tmp_path: Path, make: Callable[..., Source]) -> None:
    isic(tmp_path)
    groups = tmp_path / "ISIC2018_Task3_Training_LesionGroupings.csv"
    lines = groups.read_text().splitlines(keepends=True)
    groups.write_text("".join(lines[:1] + lines[3:]))
    with pytest.raises(DataError, match=r"no lesion of ISIC_0024306.*\(2 such lines\)"):
        make("ham10000", write=False).scan()


def test_a_radiograph_of_both_official_lists_is_refused(
    tmp_path: Path, make: Callable[..., Source]
) -> None:
    source = make("chest_xray")
    with (tmp_path / "test_list.txt").open("a") as file:
        file.write("\n00000001_000.png")
    with pytest.raises(DataError, match=r"train_val_list.*00000001_000"):
        source.scan()


def test_each_kind_of_tumour_a_class_needs_no_positive_one(make: Callable[..., Source]) -> None:
    with pytest.raises(ConfigError, match=r"positive=malignant.* Or null"):
        make("breakhis", "data.subtypes=true").scan()
