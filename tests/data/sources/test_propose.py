"""What is proposed for a set that nobody has described."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idc.data.sources.folder import FolderSource
from idc.data.sources.propose import columns_of, likely_positive, patient_patterns
from idc.data.sources.table import TableSource
from idc.errors import DataError


def proposed(names: list[str], folder: str = "a") -> pd.DataFrame:
    paths = [f"{folder}/{name}" for name in names]
    return patient_patterns(paths, np.arange(len(paths)) % 2, [folder] * len(paths))


def test_numbers_at_the_beginning_are_the_likeliest_patients() -> None:
    names = [f"{p:08d}_{i:03d}.png" for p in range(5) for i in range(4)]
    table = proposed(names)
    first = table.iloc[0]
    assert first["likely"]
    assert (first["groups"], first["images per group"], first["not matched"]) == (5, 4, 0)
    assert first["of several classes"] == 5
    # The number in the name divides the images too, but is no beginning.
    assert not table[table["groups"] == 4]["likely"].any()


def test_a_pattern_that_is_proposed_gives_those_patients(tmp_path: Path) -> None:
    names = [f"C{c}P{p}_thin_{i}.png" for c in (3, 4, 12) for p in (1, 2) for i in range(5)]
    for number, name in enumerate(names):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        (tmp_path / "ab"[number % 2] / name).touch()
    source = FolderSource(tmp_path, positive="b")
    index = source.scan().index
    folders = [source.class_folder(path) for path in index["path"]]
    table = patient_patterns(list(index["path"]), index["label"].to_numpy(), folders)
    assert table["groups"].tolist()[:2] == [3, 6]  # slides, and patients of a slide
    for row in table.to_dict("records"):
        by_pattern = FolderSource(tmp_path, positive="b", patient_pattern=row["pattern"])
        patients = by_pattern.scan().index["patient"]
        assert (patients != "").sum() == len(names) - row["not matched"]
        assert patients[patients != ""].nunique() == row["groups"]


def test_folders_of_patients_and_names_that_say_nothing() -> None:
    deep = proposed([f"case{p}/{i}.png" for p in range(4) for i in range(3)])
    assert deep.iloc[0][["pattern", "groups"]].tolist() == ["folder", 4]
    assert proposed([f"ISIC_{n}.jpg" for n in range(30)]).empty
    words = proposed([f"x_{i}_patient{i % 5}.png" for i in range(30)])
    assert (
        words[words["likely"] & words["pattern"].str.contains("patient\\[")]["groups"].item() == 5
    )


@pytest.mark.parametrize(
    ("names", "positive"),
    [
        (("Parasitized", "Uninfected"), "Parasitized"),
        (("malignant", "normal"), "malignant"),
        (("0", "1"), "1"),
        (("no_tumour", "tumour"), "tumour"),
        (("cat", "dog"), "dog"),
        (("NORMAL", "PNEUMONIA"), "PNEUMONIA"),
    ],
)
def test_the_positive_class_is_the_one_that_is_no_absence(
    names: tuple[str, str], positive: str
) -> None:
    assert likely_positive(names) == positive


def test_columns_are_named_where_the_usual_ones_are_lacking(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    table = pd.DataFrame(
        {
            "lesion_id": [f"L{i // 2}" for i in range(8)],
            "image_id": [f"I{i}" for i in range(8)],
            "dx": list("abcabcab"),
            "age": [str(40 + i) for i in range(8)],
        }
    )
    for name in table["image_id"]:
        (tmp_path / "images" / f"{name}.jpg").touch()
    expected = {
        "data.columns.path": "image_id",
        "data.path_template": "**/*.jpg",
        "data.columns.patient": "lesion_id",
        "data.columns.label": "dx",
    }
    assert columns_of(table, tmp_path) == expected
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=r"\"data\.columns\.path='image_id'\"") as caught:
        TableSource(tmp_path, "t.csv").scan()
    assert all(value in str(caught.value) for value in expected.values())
    columns = {k.rpartition(".")[2]: v for k, v in expected.items() if "columns" in k}
    assert len(TableSource(tmp_path, "t.csv", columns, "**/*.jpg").scan().index) == 8
    with pytest.raises(DataError, match=r"data=table data\.table=t\.csv"):
        FolderSource(tmp_path).scan()


def test_patients_in_place_of_classes_are_noticed(tmp_path: Path) -> None:
    for patient in range(12):
        for name in ("0", "1"):
            (tmp_path / f"p{patient}" / name).mkdir(parents=True)
            (tmp_path / f"p{patient}" / name / f"{patient}.png").touch()
    with pytest.raises(DataError, match=r"data\.class_depth=2"):
        FolderSource(tmp_path).scan()
    assert len(FolderSource(tmp_path, class_depth=1).class_names) == 12
    pattern = "^(?P<patient>[^/]+)/"
    source = FolderSource(tmp_path, positive="1", class_depth=2, patient_pattern=pattern)
    index = source.scan().index
    assert source.class_names == ("0", "1")
    assert index["patient"].nunique() == 12
    assert source.class_folder("p3/1/3.png") == "p3/1"
