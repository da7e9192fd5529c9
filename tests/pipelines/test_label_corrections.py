"""Corrected labels under the names of the run, and its own copy of them."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from stored_run import LoggedRun

from idc.data.corrections import COLUMNS, NAME, PLACE, Corrections, read_corrections
from idc.pipelines.label_corrections import (
    build_corrections,
    has_corrections,
    record_corrections,
    under_names_of,
)
from idc.pipelines.pseudonyms import hide_patients
from idc.tracking.privacy import Pseudonyms, Redactor

OWN = pd.DataFrame({"patient": ["9001", "9002"], "path": ["9001/a.png", "9002/b.png"]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "given.csv"
    lines = [",".join(COLUMNS), "9001/a.png,0,relabel,1,AB,of patient 9001", "x.png,1,exclude,,,"]
    path.write_text("\n".join(lines) + "\n")
    return path


def config(file: Path | None) -> dict[str, Any]:
    return {"data": {"corrections": None if file is None else str(file)}}


def test_without_a_file_nothing_is_corrected(tmp_path: Path) -> None:
    assert build_corrections(config(None)) is None
    assert not has_corrections(config(None))
    assert not has_corrections({"data": {}})
    run = LoggedRun()
    record_corrections(run, None, OWN, tmp_path)
    assert not run.logged and not run.files


def test_names_are_the_runs_and_words_name_nobody(file: Path, tmp_path: Path) -> None:
    names = Pseudonyms("a secret of some length")
    redactor = Redactor(True, names, tmp_path)
    redactor.register_patients(OWN["patient"])
    public = hide_patients(OWN, names)
    corrections = under_names_of(build_corrections(config(file)), OWN, public, redactor)
    assert isinstance(corrections, Corrections)
    assert corrections.table["path"].tolist() == [public["path"][0], "x.png"]
    assert not corrections.table["reason"].str.contains("9001").any()


def test_a_run_keeps_a_copy_that_can_be_read_again(file: Path, tmp_path: Path) -> None:
    corrections, run = build_corrections(config(file)), LoggedRun()
    assert has_corrections(config(file))
    index = OWN.assign(checks="")
    folder = tmp_path / "run"
    folder.mkdir()
    record_corrections(run, corrections, index, folder)
    assert run.files == [NAME]
    assert PLACE in run.logged
    again = read_corrections(folder / NAME)
    assert again.table[list(COLUMNS)].equals(corrections.table[list(COLUMNS)])
