"""Images that a table lists: columns, splits, positions, and errors that name the line."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from idc.data.facts import fingerprint
from idc.data.index import class_members, label_codes
from idc.data.sources.table import TableSource
from idc.data.store.layout import unchanged
from idc.errors import ConfigError, DataError

TABLE = pd.DataFrame(
    {
        "path": ["i/1.png", "i/2.png", "i/3.png"],
        "label": ["nv", "mel", "nv"],
        "patient": ["p", "q", "p"],
    }
)


def write(root: Path, table: pd.DataFrame, name: str = "t.csv") -> Path:
    (root / "i").mkdir(exist_ok=True)
    for path in ("i/1.png", "i/2.png", "i/3.png"):
        (root / path).touch()
    if name.endswith("parquet"):
        table.to_parquet(root / name)
    else:
        table.to_csv(root / name, index=False)
    return root


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_table_is_the_index(tmp_path: Path, name: str) -> None:
    table = TABLE.assign(x=[0, 50, 100], y=7, split=["train", "Validation", "unused"])
    source = TableSource(write(tmp_path, table, name), name, positive="mel")
    scan = source.scan()
    assert source.class_names == ("nv", "mel")
    assert source.patients_known
    assert scan.index.drop(columns=["checks", "stain"]).to_dict("list") == {
        "path": ["i/1.png", "i/2.png", "i/3.png"],
        "label": [0, 1, 0],
        "patient": ["p", "q", "p"],
        "x": [0, 50, 100],
        "y": [7, 7, 7],
        "predefined_split": ["train", "val", ""],
    }


def test_columns_of_other_names_and_paths_from_a_template(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [1, 2, 3], "dx": [0, 1, 10], "lesion": list("abb")})
    columns = {"path": "id", "label": "dx", "patient": "lesion"}
    root = write(tmp_path, table)
    source = TableSource(root, "t.csv", columns, "i/*.png")
    index = source.scan().index
    assert source.class_names == ("0", "1", "10")
    assert index["path"].tolist() == ["i/1.png", "i/2.png", "i/3.png"]
    assert index["patient"].tolist() == ["a", "b", "b"]
    unknown = TableSource(root, "t.csv", {**columns, "patient": None}, "i/*.png")
    assert not unknown.patients_known
    assert unknown.scan().index["patient"].nunique() == 3


def test_a_table_that_is_written_over_makes_a_store_stale(tmp_path: Path) -> None:
    root = write(tmp_path, TABLE)
    folders = TableSource(root, "t.csv", positive="nv").scan().folders
    assert unchanged(root, folders)
    (root / "t.csv").write_text((root / "t.csv").read_text())
    assert not unchanged(root, folders)


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("label", ["nv", " ", "nv"], "line 3, column label: it is empty"),
        ("patient", ["p", "q", ""], "line 4, column patient: it is empty"),
        ("path", ["i/1.png", "/i/2.png", "i/3.png"], "line 3, column path: write it relative"),
        ("path", ["i/1.png", "../2.png", "i/3.png"], "line 3, column path: write it relative"),
        ("path", ["i/1.png", "i/2.png", "i/1.png"], "line 4, column path: an earlier line"),
        ("path", ["i/1.png", "i/2.png", "./i//1.png"], "line 4, column path: an earlier line"),
        ("path", ["a.png", "b.png", "c.png"], "line 2, column path: there is no file"),
        ("split", ["train", "dev", "test"], "line 3, column split: give train, val"),
    ],
)
def test_a_wrong_value_is_named_by_line_and_column(
    tmp_path: Path, column: str, values: list[str], words: str
) -> None:
    root = write(tmp_path, TABLE.assign(**{column: values}))
    with pytest.raises(DataError, match=rf"t\.csv, {words}"):
        TableSource(root, "t.csv", positive="nv").scan()


def test_wrong_positions_are_named(tmp_path: Path) -> None:
    for x, line in ((["0", "1.5", "3"], 3), (["0", "1", "-3"], 4), (["", "1", "3"], 2)):
        root = write(tmp_path, TABLE.assign(x=x, y=1))
        with pytest.raises(DataError, match=rf"line {line}, column x: give a whole number"):
            TableSource(root, "t.csv", positive="nv").scan()
    root = write(tmp_path, TABLE.assign(x=1))
    with pytest.raises(DataError, match="one of x and y only"):
        TableSource(root, "t.csv", positive="nv").scan()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"table": "no.csv"}, ConfigError, r"data\.table=.*no\.csv"),
        ({"table": "no.parquet"}, ConfigError, r"data\.table: there is no file"),
        ({"columns": {"label": "dx"}}, DataError, r"data\.columns\.label: .*no column 'dx'"),
        ({"columns": {"patient": "who"}}, DataError, "or null if the patients are unknown"),
        ({"columns": {"x": "left"}}, DataError, r"data\.columns\.x: .*no column 'left'"),
        ({"columns": {"label": None}}, ConfigError, r"data\.columns\.label=null"),
        ({"path_template": "i/x.png"}, ConfigError, r"data\.path_template=i/x\.png"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    root = write(tmp_path, TABLE)
    with pytest.raises(error, match=words):
        TableSource(root, **{"table": "t.csv", "positive": "nv", **options}).scan()


def test_several_labels_of_an_image_are_joined(tmp_path: Path) -> None:
    table = TABLE.assign(label=["Mass|Nodule", "No Finding", "Edema| Mass"])
    root = write(tmp_path, table)
    joined = {"table": "t.csv", "labels_joined_by": "|", "no_label": "No Finding"}
    for positive, name, labels in (
        ("Mass", "Mass", [1, 0, 1]),
        (["Nodule", "Edema"], "Nodule or Edema", [1, 0, 1]),
        (["Nodule"], "Nodule", [1, 0, 0]),
    ):
        source = TableSource(root, positive=positive, **joined)
        assert source.class_names == ("rest", name)
        assert source.scan().index["label"].tolist() == labels
    with pytest.raises(ConfigError, match=r"There are: Edema, Mass, Nodule"):
        TableSource(root, positive="No Finding", **joined).scan()
    root = write(tmp_path, table.assign(label=["Mass", "No Finding|Mass", "Mass"]))
    with pytest.raises(DataError, match=r"line 3, column label: 'No Finding' stands beside"):
        TableSource(root, positive="Mass", **joined).scan()
    with pytest.raises(ConfigError, match=r"data\.no_label=No Finding"):
        TableSource(root, "t.csv", no_label="No Finding")


def test_an_image_without_labels_is_empty_or_named_so(tmp_path: Path) -> None:
    root = write(tmp_path, TABLE.assign(label=["Mass", "", "Edema"]))
    source = TableSource(root, "t.csv", positive="Mass", labels_joined_by="|")
    assert source.scan().index["label"].tolist() == [1, 0, 0]
    named = TableSource(root, "t.csv", positive="Mass", labels_joined_by="|", no_label="None")
    with pytest.raises(DataError, match="line 3, column label: it is empty"):
        named.scan()


def test_a_weight_is_part_of_the_index_and_of_the_data(tmp_path: Path) -> None:
    root = write(tmp_path, TABLE.assign(weight=[0, 0.5, 2]))
    index = TableSource(root, "t.csv", positive="mel").scan().index
    assert index["weight"].tolist() == [0, 0.5, 2]
    plain = index.assign(pixels=np.arange(3, dtype=np.uint64))
    assert fingerprint(plain) != fingerprint(plain.assign(weight=1.0))
    write(tmp_path, TABLE.assign(weight=[0, -1, 2]))
    with pytest.raises(DataError, match=r"line 3.*weight.*0 or more"):
        TableSource(root, "t.csv", positive="mel").scan()


def test_without_a_positive_class_each_label_is_a_class(tmp_path: Path) -> None:
    root = write(tmp_path, TABLE.assign(label=["Nodule; Mass", "None", "Mass"]))
    source = TableSource(root, "t.csv", labels_joined_by=";", no_label="None")
    index = source.scan().index
    assert source.multi_label
    assert source.class_names == ("Mass", "Nodule")
    assert index["label"].tolist() == [1, 0, 1]
    assert index["labels"].tolist() == ["Mass|Nodule", "", "Mass"]
    assert class_members(index, source.class_names).tolist() == [[1, 1], [0, 0], [1, 0]]
    assert label_codes(index).tolist() == [0, 1, 2]
    barred = TableSource(
        write(tmp_path, TABLE.assign(label=["a|b", "", "c"])), "t.csv", labels_joined_by=";"
    )
    with pytest.raises(DataError, match=r"'a\|b' has a \|"):
        barred.scan()
