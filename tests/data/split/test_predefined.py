"""A split that a file names: given away, read back, and refused by line where it is wrong."""

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from split_cases import index_of

from idc.data.split.patient import PatientSplit
from idc.data.split.predefined import PredefinedSplit, write_split_csv
from idc.data.split.random import RandomSplit
from idc.errors import ConfigError, DataError

INDEX = index_of([(2, 2)] * 4)
FINE = "patient,split\np0,train\np1,train\np2,val\np3,test\n"
Write = Callable[[str], PredefinedSplit]


@pytest.fixture
def split_of(tmp_path: Path) -> Callable[..., PredefinedSplit]:
    """The split of a file that says this."""

    def make(text: str, **options: object) -> PredefinedSplit:
        file = tmp_path / "splits.csv"
        file.write_text(text, encoding="utf-8")
        return PredefinedSplit(str(file), **options)

    return make


def by_path(**splits: str) -> str:
    """A file by path: INDEX's p0 and p1 train, p2 val, p3 test; `p0=...` sets a row of each."""
    names = {"p0": "train", "p1": "train", "p2": "val", "p3": "test"}
    lines = [
        f"{path},{splits.get(f'{group}_{path[3]}', names[group])}"
        for path, group in zip(INDEX["path"], INDEX["patient"], strict=True)
    ]
    return "\n".join(["path,split", *lines]) + "\n"


def test_patients_and_paths_get_the_splits_of_the_file(split_of: Write) -> None:
    expected = ["train"] * 8 + ["val"] * 4 + ["test"] * 4
    for text in (FINE, by_path(), "\ufeff" + FINE.replace(",", ", "), FINE.replace("\n", "\r\n")):
        split = split_of(text.replace("patient, split", "patient,split"))
        assert split.assign(INDEX).tolist() == expected
        assert not split.leaky


def test_other_columns_and_empty_lines_do_not_matter(split_of: Write) -> None:
    text = 'split,note,patient\ntrain,"a, b",p0\n\ntrain,,p1\nval,,p2\ntest,,p3\n'
    assert split_of(text).assign(INDEX).tolist()[-1] == "test"


def test_what_is_not_named_is_refused_or_left_out(split_of: Write) -> None:
    text = FINE.replace("p1,train\n", "")
    with pytest.raises(DataError, match=r"splits\.csv, column patient.* 1 patient.*p1.*others="):
        split_of(text).assign(INDEX)
    split = split_of(text, others="unused").assign(INDEX)
    assert split[INDEX["patient"] == "p1"].tolist() == [""] * 4
    assert (split != "").sum() == 12
    named = split_of(FINE.replace("p1,train", "p1,unused")).assign(INDEX)
    assert named.tolist() == split.tolist()


def test_what_is_left_out_need_not_be_there(split_of: Write) -> None:
    """The audit may have dropped it before the split is asked."""
    split = split_of(FINE + "p9,unused\n")
    assert split.assign(INDEX).tolist() == split_of(FINE).assign(INDEX).tolist()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: the columns are missing"),
        ("patient;split\np0;train\n", "line 1.*separated by commas"),
        ("patient,side\np0,train\n", "line 1.*patient, side.*'split'"),
        ("patient,path,split\np0,p0/0/0.png,train\n", "line 1.*one of 'patient' and 'path'"),
        ("patient,split,split\np0,train,val\n", "line 1"),
        ("patient,split\n", "no line below"),
        (
            FINE.replace("p2,val", "p2,validation"),
            "line 4, column split: 'validation'.*test or unused",
        ),
        (FINE.replace("p1,train", "p1,train,x"), "line 3: 3 values for 2 columns"),
        (FINE.replace("p1,train", "p1"), "line 3: 1 values for 2 columns"),
        (FINE.replace("p1", ""), "line 3, column patient: it is empty"),
        (FINE + "p1,train\n", r"line 6, column patient: 'p1' \(train\) repeats line 3"),
        (FINE + "p1,test\n", r"line 6, column patient: 'p1' \(test\) contradicts line 3 \(train\)"),
        (
            FINE + "p8,test\np9,val\n",
            r"2 of its patient.*'p8' \(line 6\), 'p9' \(line 7\).*hold p0, p1",
        ),
        (FINE.replace("p2,val", "p2,train"), "the val split is empty"),
        ('patient,split\n"p0,train\n', "no CSV text"),
        (by_path().replace("p0/0/0.png", "/data/p0/0/0.png"), "line 2, column path.*data root"),
        (by_path().replace("p0/0/0.png", "C:\\p0\\0.png"), "line 2, column path.*data root"),
        (by_path().replace("p0/0/1.png", "../p0/0/1.png"), "line 3, column path.*data root"),
        (by_path() + "p9/0/0.png,test\n", r"1 of its path.*'p9/0/0.png' \(line 18\).*data\.root"),
    ],
)
def test_wrong_files_are_refused_by_line_and_column(split_of: Write, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        split_of(text).assign(INDEX)
    assert "splits.csv" in str(caught.value)


def test_a_split_without_a_class_is_refused_but_in_test(split_of: Write) -> None:
    index = index_of([(2, 2), (2, 2), (2, 2), (4, 0)])
    assert split_of(FINE).assign(index).tolist()[-1] == "test"
    with pytest.raises(DataError, match=r"val split has no patch of class 1.*splits\.csv"):
        split_of(FINE.replace("p2,val", "p2,test").replace("p3,test", "p3,val")).assign(index)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ConfigError, match=r"split\.file=.*cannot be read"):
            PredefinedSplit(str(path)).assign(INDEX)
    (tmp_path / "odd.csv").write_bytes(b"patient,split\np\xff,train\n")
    with pytest.raises(DataError, match=r"odd\.csv is no text in UTF-8"):
        PredefinedSplit(str(tmp_path / "odd.csv")).assign(INDEX)


def test_a_patient_on_two_splits_is_refused_unless_allowed(split_of: Write) -> None:
    text = by_path(p0_1="test")
    with pytest.raises(DataError, match=r"p0, line 2 \(train\) and line 4 \(test\).*allow_leak"):
        split_of(text).assign(INDEX)
    split = split_of(text, allow_leak=True)
    assert split.leaky
    assert split.assign(INDEX).tolist()[:4] == ["train", "train", "test", "test"]


def test_a_predefined_training_split_can_be_thinned(split_of: Write) -> None:
    split = split_of(FINE, train_patients=1).assign(INDEX)
    assert split.value_counts().to_dict() == {"train": 4, "": 4, "val": 4, "test": 4}


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\\:\x00"),
    min_size=1,
    max_size=6,
).filter(lambda name: name not in (".", "..") and "/" not in name and name[0] != "~")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_split_is_read_back_as_it_was_written(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = data.draw(st.lists(NAMES, min_size=3, max_size=6, unique=True))
    one_split = data.draw(st.booleans())
    more = st.lists(st.sampled_from(["train", "val", "test", ""]), min_size=6, max_size=6)
    splits = ["train", "val", "test", *data.draw(more)]
    rows = []
    for place, name in enumerate(names):
        for n in range(4):
            split = splits[place] if one_split or place < 3 else data.draw(st.sampled_from(splits))
            rows.append((f"x{name}/{n}.png", name, n % 2, split))
    index = pd.DataFrame(rows, columns=["path", "patient", "label", "split"])
    file = tmp_path_factory.getbasetemp() / "round.csv"
    write_split_csv(index, file)
    split = PredefinedSplit(str(file), allow_leak=not one_split).assign(index)
    assert split.tolist() == index["split"].tolist()
    with file.open(newline="", encoding="utf-8") as stream:
        header = next(csv.reader(stream))
    assert one_split <= (header == ["patient", "split"])


@pytest.mark.parametrize(
    "split",
    [
        PatientSplit(),
        PatientSplit(folds="patients", fold=3, train_fraction=0.4),
        PatientSplit(train_fraction=0.4, train_by="patch"),
        RandomSplit(train_patients=5),
    ],
)
def test_the_split_of_a_run_is_repeated_exactly(
    split: PatientSplit | RandomSplit, tmp_path: Path
) -> None:
    index = index_of([(9, 4)] * 9)
    index["split"] = split.assign(index)
    write_split_csv(index, tmp_path / "splits.csv")
    again = PredefinedSplit(str(tmp_path / "splits.csv"), allow_leak=split.leaky)
    pd.testing.assert_series_equal(again.assign(index), index["split"])


def test_what_the_audit_drops_does_not_make_a_file_name_every_patch(tmp_path: Path) -> None:
    file = tmp_path / "splits.csv"
    kept = ~INDEX["path"].isin(["p0/0/1.png", *INDEX["path"][INDEX["patient"] == "p3"]])
    index = index_of([(2, 2)] * 4).assign(split="")
    index.loc[kept, "split"] = ["train"] * 3 + ["val"] * 4 + ["test"] * 4
    write_split_csv(index, file, kept.to_numpy())
    assert file.read_text().split() == (
        ["patient,split", "p0,train", "p1,val", "p2,test", "p3,unused"]
    )
    split = PredefinedSplit(str(file)).assign(index[kept])
    assert split.tolist() == index["split"][kept].tolist()
    write_split_csv(index, file)
    assert "p0/0/1.png,unused" in file.read_text()


def test_a_path_that_cannot_travel_is_not_written(tmp_path: Path) -> None:
    index = INDEX.assign(path="/data/" + INDEX["path"], split=["train", "test"] * 8)
    with pytest.raises(DataError, match=r"/data/p0/0/0\.png is not relative"):
        write_split_csv(index, tmp_path / "splits.csv")
