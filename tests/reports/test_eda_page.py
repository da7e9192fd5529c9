"""The EDA report says what the set holds, whatever the set is like."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from eda_cases import flag, make

from idc.data.sources.tree import NotRead
from idc.errors import DataError
from idc.reports.eda_facts import eda_sentences
from idc.reports.eda_input import EdaInput
from idc.reports.eda_page import write_eda
from idc.reports.eda_tables import colour_stats, drift

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_figures")]


def lead(data: EdaInput) -> str:
    return eda_sentences(data, drift(colour_stats(data.index))).text("lead")


def observations(data: EdaInput) -> list[str]:
    return eda_sentences(data, drift(colour_stats(data.index))).list("observations")


def read(path: Path) -> str:
    return path.read_text("utf-8")


def test_every_figure_is_a_file_and_in_the_page(tmp_path: Path) -> None:
    data = flag(make(), [0, 1], "near_white", drop=True)
    path = write_eda(data, tmp_path / "new")
    assert path == tmp_path / "new" / "report.html"
    pictures = sorted(p.relative_to(path.parent).as_posix() for p in path.parent.rglob("*.png"))
    assert pictures == [
        *("class_balance.png", "colour_by_patient.png", "colour_space.png"),
        *("finding_near_white.png", "grid_IDC.png", "grid_no_IDC.png", "patches_per_patient.png"),
        *("patients.png", *(f"slides/p{i}.png" for i in range(4)), "split_balance.png"),
    ]
    for name in pictures:
        image = cv2.imread(str(path.parent / name))
        assert image is not None
        assert image.std() > 1
    page = read(path)
    assert page.count("<img") == len(pictures) + 4  # a slide has a thumbnail too
    assert "48 patches of 4 patients. 2 dropped, 46 kept: 22 no IDC (47.8 %), 24 IDC" in page
    assert "near_white: Mostly glass. 2 patches of 1 patient, 2 dropped." in page


def test_odd_names_stay_names(tmp_path: Path) -> None:
    names = ["<b>x</b>", "../../out", "a$b$", "A$B$"]
    path = write_eda(make(names=names), tmp_path / "eda")
    page = read(path)
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    slides = {p.name.lower() for p in (tmp_path / "eda" / "slides").iterdir()}
    assert len(slides) == 4
    assert {p.name for p in tmp_path.iterdir()} == {"eda"}


@pytest.mark.parametrize("classes", [1, 3])
def test_other_numbers_of_classes(tmp_path: Path, classes: int) -> None:
    path = write_eda(make(classes=classes), tmp_path)
    assert len(list(tmp_path.glob("grid_*.png"))) == classes
    assert "18 other" in lead(make(classes=3, patients=3))
    assert ("other (" in read(path)) == (classes == 3)


def test_one_patient_and_no_split(tmp_path: Path) -> None:
    data = make(patients=1)
    data = replace(data, index=data.index.assign(split=""))
    page = read(write_eda(data, tmp_path))
    assert "No split was made." in page
    assert not (tmp_path / "split_balance.png").exists()


def test_hundreds_of_patients(tmp_path: Path) -> None:
    data = make(patients=300, per_class=1)
    index = data.index.copy()
    index.loc[24:, ["x", "y"]] = 0  # maps of twelve are enough to wait for
    page = read(write_eda(replace(data, index=index), tmp_path))
    assert len(list((tmp_path / "slides").iterdir())) == 12
    assert page.count("<details>") == 12
    assert "No map of 288 of 300 patients" in page
    assert "All 300 patients as a table" in page
    assert len(page) < 3_000_000


def test_all_dropped_is_still_a_report(tmp_path: Path) -> None:
    data = flag(make(), list(range(48)), "near_white", drop=True)
    page = read(write_eda(data, tmp_path))
    assert "48 dropped, 0 kept" in page
    assert "There are no such patches." in page
    assert "no IDC: no patch." in page


def test_a_missing_class_is_said(tmp_path: Path) -> None:
    data = make()
    none = data.index["label"] == 0
    data = replace(data, index=data.index[none], patches=data.patches[none.to_numpy()])
    assert "IDC: no patch." in read(write_eda(data, tmp_path))


def test_files_that_could_not_be_read_are_listed_not_drawn(tmp_path: Path) -> None:
    data = flag(make(), [3], "unreadable", drop=True)
    page = read(write_eda(data, tmp_path))
    assert not (tmp_path / "finding_unreadable.png").exists()
    assert "p0/0/3.png" in page
    assert "There are no pixels to show." in page


def test_a_set_without_positions_has_no_maps(tmp_path: Path) -> None:
    data = make()
    page = read(write_eda(replace(data, index=data.index.assign(x=0, y=0)), tmp_path))
    assert "the patches have no positions" in page
    assert not (tmp_path / "slides").exists()


def test_one_wild_position_does_not_take_the_memory(tmp_path: Path) -> None:
    data = make()
    index = data.index.copy()
    index.loc[0, "x"] = 10**12
    page = read(write_eda(replace(data, index=index), tmp_path))
    assert "No map of 1 of 4 patients" in page
    assert not (tmp_path / "slides" / "p0.png").exists()
    assert (tmp_path / "slides" / "p1.png").exists()


def test_the_kept_patch_is_seen_where_two_share_a_place(tmp_path: Path) -> None:
    data = flag(make(patients=3), [5], "near_white", drop=True)
    index = data.index.copy()
    index.loc[5, ["x", "y"]] = index.loc[4, ["x", "y"]].to_numpy()
    page = read(write_eda(replace(data, index=index), tmp_path))
    assert "1 of its patches is covered by another." in page


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    data = make()
    with pytest.raises(DataError, match="no patches to report on"):
        write_eda(replace(data, index=data.index[:0], patches=data.patches[:0]), tmp_path)


class Memory:
    """Patches on disk, as it were: counts what is read at once."""

    def __init__(self, patches: np.ndarray) -> None:
        self.patches, self.shape, self.most = patches, patches.shape, 0

    def __len__(self) -> int:
        return len(self.patches)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        chosen_patches = self.patches[rows]
        self.most = max(self.most, len(chosen_patches))
        return chosen_patches


def test_pixels_are_read_in_small_parts(tmp_path: Path) -> None:
    data = make(patients=1, per_class=700)
    memory = Memory(data.patches)
    write_eda(replace(data, patches=memory), tmp_path)  # type: ignore[arg-type]
    assert 0 < memory.most <= 256


def test_published_counts_are_an_observation_only_for_the_published_set(tmp_path: Path) -> None:
    data = make(patients=5)

    def published(patches: int, patients: int) -> EdaInput:
        counts = [("patches", patches, 60), ("patients", patients, 5)]
        expected = pd.DataFrame(counts, columns=["count", "published", "here"])
        return replace(data, published=expected)

    assert "The counts agree with those published for this set." in observations(published(60, 5))
    assert observations(published(61, 5))[0].endswith("patches: 60, not 61.")
    # A part of the set is described as it is; the published counts are a note further down.
    part = published(277_524, 279)
    assert not any("published" in sentence for sentence in observations(part))
    page = read(write_eda(part, tmp_path))
    assert page.index("60 patches of 5 patients") < page.index("277,524")
    assert "<details" in page[: page.index("277,524")]


def test_files_that_were_not_read_stand_on_the_page_with_their_names(tmp_path: Path) -> None:
    not_read = (NotRead("above the folders", 1234, ("p0/a<b>.PNG", "p1/c.png")),)
    data = replace(make(1), not_read=not_read, ignored={"hidden files": 7})
    page = read(write_eda(data, tmp_path))
    assert "1,234 files" in observations(data)[0]
    for word in ("above the folders", "1,234", "p0/a&lt;b&gt;.PNG, p1/c.png", "hidden files"):
        assert word in page
