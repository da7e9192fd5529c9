"""Which patches and slides are drawn, and into which files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eda_cases import flag, make

from idc.reports import eda_figures
from idc.reports.eda_figures import draw_class_grids, draw_finding_grids, draw_slides, pick


def test_pick_takes_turns_among_patients_and_repeats_itself() -> None:
    index = make(patients=5, per_class=20).index
    chosen = pick(index, 0)
    assert len(chosen) == 25
    assert set(chosen["patient"].value_counts()) == {5}
    assert chosen.equals(pick(index, 0))
    assert not chosen.index.equals(pick(index, 1).index)
    assert len(pick(index.head(3), 0)) == 3


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files that would be drawn."""
    paths: list[Path] = []
    monkeypatch.setattr(eda_figures, "save_figure", lambda figure, path: paths.append(path))
    return paths


def test_grids_of_classes_and_findings_count_all_their_patches(
    saved: list[Path], tmp_path: Path
) -> None:
    data = flag(flag(make(), [0, 1], "near_white", drop=True), [3], "unreadable")
    classes = list(draw_class_grids(data, tmp_path))
    assert [(grid["name"], grid["patches"], grid["patients"]) for grid in classes] == [
        ("no IDC", 22, 4),
        ("IDC", 24, 4),
    ]
    glass, broken = draw_finding_grids(data, tmp_path)
    assert (glass["name"], glass["patches"], glass["dropped"]) == ("near_white", 2, 2)
    assert (broken["name"], broken["figure"]) == ("unreadable", "")  # it has no pixels
    assert [path.stem for path in saved] == ["grid_no_IDC", "grid_IDC", "finding_near_white"]


def test_slides_are_drawn_where_positions_make_sense(saved: list[Path], tmp_path: Path) -> None:
    data = make(patients=3)
    index = data.index.copy()
    index.loc[0, "x"] = 10**9
    wild, first, second = draw_slides(replace(data, index=index), tmp_path)
    assert wild == {"patient": "p0"}
    assert [slide["figure"] for slide in (first, second)] == ["slides/p1", "slides/p2"]
    assert [path.name for path in saved] == ["p1.png", "p2.png"]
    assert first["covered"] == 0 and first["thumbnail"].width == 220
    assert list(draw_slides(replace(data, index=index.drop(columns=["x", "y"])), tmp_path)) == []


def test_patches_are_those_of_their_rows_whatever_the_index(
    saved: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[np.ndarray] = []

    def record(patches: np.ndarray, captions: list[str], title: str) -> None:
        drawn.append(patches)

    monkeypatch.setattr(eda_figures, "patch_grid_figure", record)
    data = make()
    for one in (data, replace(data, index=data.index.set_axis(range(100, 148)))):
        assert len(list(draw_class_grids(one, tmp_path))) == 2
    for plain, shifted in zip(drawn[:2], drawn[2:], strict=True):
        assert np.array_equal(plain, shifted)
    labels = data.index["label"].to_numpy()
    assert np.array_equal(drawn[0], data.patches[labels == 0])  # all 24, in their order
