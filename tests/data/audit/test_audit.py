"""Every finding is found in a set that has it, and nothing in a clean one."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from idc.config.schema.data import Limits
from idc.config.schema.option import defaults
from idc.data.audit.findings import FINDINGS, as_checks, masks
from idc.data.sources.folder import FolderSource
from idc.data.sources.idc import IdcSource
from idc.data.sources.synthetic import SyntheticSource, kaggle_path
from idc.data.store.build import read_set
from kaggle_files import write_kaggle

Folder = Callable[..., Path]
LIMITS = defaults(Limits)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Patches of three patients in which there is nothing to find."""
    write_kaggle(SyntheticSource(3, 12, seed=4), tmp_path / "set")
    for path in (tmp_path / "set").glob("*/0/*.png"):
        image = cv2.imread(str(path))
        image[:3, :40] = (170, 120, 200)  # tissue, should it be a patch of glass
        cv2.imwrite(str(path), image)
    return tmp_path / "set"


def checks(root: Path, limits: dict[str, float] | None = None) -> pd.DataFrame:
    source = IdcSource(root)
    table, _, _ = read_set(source, source.scan().index, limits or LIMITS, 2, lambda n: None)
    return table.set_index("path")[["checks", "duplicate_of"]].astype(str)


def put(root: Path, image: np.ndarray, patient: str, x: int, y: int, label: int = 0) -> str:
    name = kaggle_path(patient, x, y, label)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(root / name), image)
    return name


def first(root: Path, patient: str = "9001", label: int = 0) -> Path:
    return sorted((root / patient / str(label)).iterdir())[0]


def texture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(-50, 50, (10, 10, 1)) + np.array([200, 130, 190])  # all of it pink
    return blocks.astype(np.uint8).repeat(5, 0).repeat(5, 1)


def test_a_clean_set_has_no_findings(root: Path) -> None:
    assert (checks(root)["checks"] == "").all()


def test_the_same_pixels_in_a_patient_across_patients_and_under_two_labels(root: Path) -> None:
    image = texture(0)
    original = put(root, image, "9001", 9000, 9000)
    within = put(root, image, "9001", 9100, 9000)
    across = put(root, image, "9002", 9000, 9000)
    other = texture(1)
    one, two = put(root, other, "9003", 9000, 9000), put(root, other, "9003", 9100, 9000, 1)
    found = checks(root)
    assert found["checks"][original] == ""
    assert found.loc[within].tolist() == ["duplicate_within", original]
    assert found.loc[across].tolist() == ["duplicate_across", original]
    assert found["checks"][one] == "duplicate_opposite"
    assert found.loc[two].tolist() == ["duplicate_within,duplicate_opposite", one]
    assert (found["checks"] != "").sum() == 4


def test_copies_in_two_patients_are_judged_in_each(root: Path) -> None:
    image = texture(0)
    put(root, image, "9001", 9000, 9000)
    first, second = (put(root, image, "9002", x, 9000) for x in (9000, 9100))
    found = checks(root)["checks"]
    assert found[first] == "duplicate_across"
    assert found[second] == "duplicate_within,duplicate_across"


def test_nearly_the_same_pixels_across_patients_only(root: Path) -> None:
    image = texture(0)
    original = put(root, image, "9001", 9000, 9000)
    put(root, image + 2, "9001", 9100, 9000)  # neighbours of a slide may be alike
    near = put(root, image + 3, "9002", 9000, 9000)
    put(root, image[::-1], "9003", 9000, 9000)
    found = checks(root)
    assert found.loc[near].tolist() == ["near_duplicate", original]
    assert (found["checks"] != "").sum() == 1
    assert (checks(root, {**LIMITS, "near_difference": 0.5})["checks"] == "").all()


def test_patches_that_overlap_on_the_slide(root: Path) -> None:
    left = put(root, texture(0), "9001", 9000, 9000)
    right = put(root, texture(1), "9001", 9030, 9049)
    put(root, texture(2), "9001", 9000, 9099)
    put(root, texture(3), "9002", 9000, 9000)
    found = checks(root)
    assert found.loc[right].tolist()[0] == "overlap"
    assert found["duplicate_of"][right] == left
    assert (found["checks"] != "").sum() == 1  # the third only touches


def test_a_patient_with_one_class(root: Path) -> None:
    names = [put(root, texture(i), "9009", 100 * i, 0) for i in range(3)]
    found = checks(root)["checks"]
    assert sorted(found[found == "one_class"].index) == sorted(names)


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((244, 243, 244), "near_white,glass"),
        ((150, 155, 152), "near_grey,glass"),
        ((130, 160, 30), "ink"),
    ],
)
def test_glass_grey_and_ink(root: Path, colour: tuple[int, int, int], expected: str) -> None:
    name = put(root, np.full((50, 50, 3), colour, np.uint8), "9001", 9000, 9000)
    assert checks(root)["checks"][name] == expected


def test_glass_is_no_near_duplicate_of_other_glass(root: Path) -> None:
    rng = np.random.default_rng(0)
    for patient in ("9001", "9002"):
        image = rng.integers(236, 240, (50, 50, 3), np.uint8)
        put(root, image, patient, 9000, 9000)
    assert set(checks(root)["checks"]) == {"", "near_white,glass"}


@pytest.mark.parametrize(("usual", "odd"), [("grey", "colour"), ("colour", "grey")])
def test_what_is_odd_is_so_against_the_rest_of_the_set(
    usual: str, odd: str, tmp_path: Path
) -> None:
    shapes = {"grey": (20, 20), "colour": (20, 20, 3)}
    rng = np.random.default_rng(0)
    for number in range(8):
        image = rng.integers(0, 255, shapes[odd if number == 3 else usual], np.uint8)
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "ab"[number % 2] / f"{number}.png"), image)
    source = FolderSource(tmp_path, positive="b")
    table, _, _ = read_set(source, source.scan().index, LIMITS, 1, lambda n: None)
    assert table.set_index("path")["checks"].to_dict() == {
        f"{'ab'[n % 2]}/{n}.png": "odd_mode" if n == 3 else "" for n in range(8)
    }


def test_no_size_is_odd_where_each_image_has_its_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(8):
        side = 4 if number == 5 else 20 + number
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        image = rng.integers(0, 255, (side, side, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "ab"[number % 2] / f"{number}.png"), image)
    source = FolderSource(tmp_path, positive="b")
    table, _, _ = read_set(source, source.scan().index, LIMITS, 1, lambda n: None)
    assert table.set_index("path")["checks"][lambda c: c != ""].to_dict() == {"b/5.png": "sliver"}


def test_odd_sizes_and_modes(root: Path) -> None:
    path = first(root)
    cv2.imwrite(str(path), cv2.imread(str(path))[:42])
    grey = first(root, "9002")
    cv2.imwrite(str(grey), cv2.imread(str(grey), cv2.IMREAD_GRAYSCALE))
    found = checks(root)["checks"]
    assert found[path.relative_to(root).as_posix()] == "odd_size"
    assert "odd_mode" in found[grey.relative_to(root).as_posix()]


def test_slivers_formats_palettes_and_images_that_are_too_large(root: Path) -> None:
    image = texture(3)
    sliver = put(root, image[:, :1], "9001", 9000, 1)
    edge = put(root, image[:, :11], "9001", 9000, 2000)  # 0.22 of the area
    large = put(root, np.zeros((4097, 4096, 3), np.uint8), "9002", 9000, 1)
    jpeg, palette = (kaggle_path("9003", x, 9000, 0) for x in (9000, 9100))
    Image.fromarray(texture(4)).save(root / jpeg, "JPEG")
    Image.fromarray(texture(5)).convert("P").save(root / palette)
    right = put(root, texture(6), "9003", 9200, 9000).removesuffix("png") + "JPG"
    (root / right).with_suffix(".png").unlink()
    Image.fromarray(texture(6)).save(root / right, "JPEG")
    found = checks(root)["checks"]
    assert found[sliver] == "odd_size,sliver"
    assert found[edge] == "odd_size"
    assert found[large] == "too_large"
    assert found[jpeg] == "odd_format"
    assert found[palette] == "odd_mode"
    assert found[right] == ""
    assert checks(root, {**LIMITS, "sliver": 0.0})["checks"][sliver] == "odd_size"
    assert checks(root, {**LIMITS, "sliver": 0.3})["checks"][edge] == "odd_size,sliver"


def test_checks_and_masks_are_inverse() -> None:
    rng = np.random.default_rng(0)
    found = {name: rng.random(200) < 0.2 for name in FINDINGS}
    back = masks(as_checks(found, 200))
    assert list(back) == list(FINDINGS)
    assert all((back[name] == found[name]).all() for name in FINDINGS)


@pytest.mark.slow
@pytest.mark.real
def test_glass_ink_and_grey_scans_are_found_among_the_real_negatives(real_patches: Path) -> None:
    found = checks(real_patches)["checks"]
    negative = found.index.str.contains("class0")
    for name, least in {"glass": 100, "near_grey": 80, "ink": 30, "near_white": 20}.items():
        flagged = masks(found)[name]
        assert flagged.sum() >= least
        assert negative[flagged].mean() > 0.7


@pytest.mark.parametrize(("bright", "found"), [(None, 8), (3, 0)])
def test_deep_images_that_use_little_of_their_range_are_a_finding_of_the_set(
    bright: int | None, found: int, tmp_path: Path
) -> None:
    """Twelve bits in sixteen would be nearly black; a dark one among others is only dark."""
    rng = np.random.default_rng(0)
    for number in range(8):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        image = rng.integers(0, 65536 if number == bright else 4096, (20, 20), np.uint16)
        cv2.imwrite(str(tmp_path / "ab"[number % 2] / f"{number}.png"), image)
    for window, count in ((None, found), ([2048, 4096], 0)):
        source = FolderSource(tmp_path, positive="b", window=window)
        table, patches, _ = read_set(source, source.scan().index, LIMITS, 1, lambda n: None)
        assert (table["checks"] == "narrow_range").sum() == count
        assert (patches.max() > 200) == (window is not None or bright is not None)
