import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.data.corrections import read_corrections
from idc.data.split.predefined import read_split_csv
from idc.data.text_file import read_text
from idc.errors import ConfigError, DataError

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


def read(path: Path) -> str:
    return read_text(path, "split.file", "Give a file.")[1]


@given(
    text=st.text().filter(lambda text: not text.startswith("\ufeff")),
    encoding=st.sampled_from(ENCODINGS),
)
def test_the_text_is_the_same_whatever_the_mark(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "text.txt"
    path.write_bytes(text.encode(encoding))
    assert read(path) == text


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_tables_that_people_write_are_read_by_it(tmp_path: Path, encoding: str) -> None:
    split = tmp_path / "split.csv"
    split.write_bytes("patient,split\r\nMüller,test\r\n".encode(encoding))
    assert read_split_csv(split).table["key"].tolist() == ["Müller"]
    corrections = tmp_path / "corrections.csv"
    corrections.write_bytes(
        "path,label_before,action,label_after\na.png,0,relabel,1\n".encode(encoding)
    )
    assert read_corrections(corrections).table["path"].tolist() == ["a.png"]


def test_what_cannot_be_read_names_the_setting_and_the_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ConfigError, match=r"split\.file=.*pipe\.csv: .*no ordinary file"):
        read(tmp_path / "pipe.csv")
    with pytest.raises(ConfigError, match=r"split\.file=.*none\.csv: it cannot be read"):
        read(tmp_path / "none.csv")
    (tmp_path / "odd.csv").write_bytes(b"p\xff")
    with pytest.raises(DataError, match=r"split\.file: .*odd\.csv is no text in UTF-8"):
        read(tmp_path / "odd.csv")
