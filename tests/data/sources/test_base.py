"""The base class: class order, the schema of the index, and what a set must at least say."""

from pathlib import Path

import pandas as pd
import pytest

from idc.data.index import OPTIONAL, conform, has_positions, position_words
from idc.data.sources.base import DataCard, Source, read_card
from idc.data.sources.idc import IdcSource
from idc.data.sources.synthetic import SyntheticSource
from idc.data.sources.tree import FileTree
from idc.errors import ConfigError, DataError


class Letters(Source):
    """The smallest data set: a letter is the class of an image."""

    name = "letters"
    classes = ("a", "b", "c")
    card = DataCard("Letters")

    def list_images(self, tree: FileTree) -> pd.DataFrame:
        names = tree.list_folder("")[1]
        return pd.DataFrame({"path": names, "label": [n[0] for n in names], "patient": "one"})


def test_a_source_lists_class_names_and_the_index_has_labels(tmp_path: Path) -> None:
    for name in ("c1.png", "a1.png", "z1.png"):
        (tmp_path / name).touch()
    scan = Letters(tmp_path).scan()
    assert scan.index["path"].tolist() == ["a1.png", "c1.png", "z1.png"]
    assert scan.index["label"].tolist() == [0, 2, -1]
    assert scan.index["checks"].tolist() == ["", "", "bad_name"]  # no such class
    assert not has_positions(scan.index)
    assert set(scan.folders) == {"."}


def test_an_empty_root_and_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.root: no image found"):
        Letters(tmp_path).scan()
    with pytest.raises(DataError, match=r"data\.root: there is no folder"):
        Letters(tmp_path / "nowhere").scan()


def test_the_positive_of_two_classes_is_label_1(kaggle) -> None:
    root = kaggle({"9001": (3, 2)})
    usual, other = IdcSource(root), IdcSource(root, positive="no IDC")
    assert usual.class_names == ("no IDC", "IDC")
    assert other.class_names == ("IDC", "no IDC")
    assert usual.scan().index["label"].sum() == 2
    assert other.scan().index["label"].sum() == 3
    assert "positive" not in usual.options  # a store that was made before holds
    assert other.options["positive"] == "no IDC"
    drawn = SyntheticSource(2, 8, positive="no IDC").scan().index
    assert (drawn["label"] == 1 - drawn["drawn"]).all()


def test_one_or_several_of_more_classes_against_the_rest(tmp_path: Path) -> None:
    for name in ("c1.png", "a1.png", "b1.png", "z1.png"):
        (tmp_path / name).touch()
    one, several = Letters(tmp_path, positive="c"), Letters(tmp_path, positive=["c", "b"])
    assert one.class_names == ("rest", "c")
    assert one.scan().index["label"].tolist() == [0, 0, 1, -1]
    assert several.class_names == ("a", "c or b")  # the only class that is left keeps its name
    assert several.scan().index["label"].tolist() == [0, 1, 1, -1]
    assert Letters(tmp_path).options != one.options != several.options


def test_a_list_that_breaks_the_schema_is_refused() -> None:
    table = pd.DataFrame({"path": ["a", "b"], "label": [0, 1], "patient": ["p", "q"]})
    assert list(conform(table, "s")) == ["path", "label", "patient", "checks"]
    for wrong, words in (
        (table.drop(columns="patient"), "lacks patient"),
        (table.assign(x=1), "lacks y"),
        (table.assign(path="a"), "a is listed twice"),
        (table.assign(label=["0", "one"]), "list of images"),
    ):
        with pytest.raises(DataError, match=words):
            conform(wrong, "s")


def test_positions_are_optional() -> None:
    table = pd.DataFrame({"path": ["a"], "label": 0, "patient": "p"})
    assert not set(OPTIONAL) & set(conform(table, "s"))
    assert position_words({"x": 1, "y": 51}) == "x 1  y 51"
    assert position_words({"path": "a"}) == ""


def test_a_card_in_yaml() -> None:
    card = read_card({"stain": "H&E", "citations": ["one", "two"]}, "My set")
    assert (card.title, card.is_h_and_e, card.citations) == ("My set", True, ("one", "two"))
    with pytest.raises(ConfigError, match=r"data\.card: .*licence.*license"):
        read_card({"licence": "CC0"}, "My set")
