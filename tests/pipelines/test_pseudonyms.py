"""Names that stand for patients: the same in every run with the same key."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from idc.errors import ConfigError
from idc.pipelines.pseudonyms import (
    build_splitter,
    hide_patients,
    names_pseudonyms,
    names_tags,
    require_same_names,
)
from idc.tracking.privacy import KEY_VARIABLE, PSEUDONYM, Pseudonyms

KEY, OTHER = "a secret of some length", "another secret of length"
NAMES = Pseudonyms(KEY)
INDEX = pd.DataFrame(
    {
        "patient": ["9001", "9001", "9002"],
        "path": ["9001/0/a.png", "9001/1/b.png", "9002/0/c.png"],
        "duplicate_of": ["", "9001/0/a.png", "9001/0/a.png"],
    }
)


def test_what_is_hidden_is_one_to_one_and_names_nobody() -> None:
    hidden = hide_patients(INDEX, NAMES)
    assert hidden["patient"].map(lambda name: bool(PSEUDONYM.fullmatch(name))).all()
    assert hidden["patient"].tolist()[0] == hidden["patient"].tolist()[1] == NAMES.of("9001")
    assert hidden["path"].is_unique
    assert not hidden["path"].str.contains("9001|9002").any()
    assert hidden["duplicate_of"].tolist() == ["", *[hidden["path"][0]] * 2]


def test_a_split_takes_patients_by_either_name() -> None:
    node = {
        "_target_": "idc.data.split.patient.PatientSplit",
        "test_patients": [NAMES.of("9001"), "8863"],
        "val_patients": None,
    }
    splitter: Any = build_splitter({"split": node}, INDEX, NAMES)
    assert list(map(str, splitter.test_patients)) == ["9001", "8863"]


def test_a_file_of_pseudonyms_is_recognised(tmp_path: Path) -> None:
    assert not names_pseudonyms({"file": None})
    for name, expected in ((NAMES.of("9001"), True), ("9001", False)):
        file = tmp_path / "split.csv"
        file.write_text(f"patient,split\n{name},test\n")
        assert names_pseudonyms({"file": str(file)}) is expected


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (None, None, None),
        (KEY, KEY, None),
        (None, KEY, "leave out tracking.pseudonymise=true"),
        (KEY, None, "set tracking.pseudonymise=true"),
        (KEY, OTHER, "holds another key"),
    ],
)
def test_a_run_goes_on_under_its_own_names_only(
    monkeypatch: pytest.MonkeyPatch, before: str | None, now: str | None, words: str | None
) -> None:
    tags = names_tags(Pseudonyms(before) if before else None)
    assert before is None or before not in str(tags)
    monkeypatch.setenv(KEY_VARIABLE, now or "")
    config = {"tracking": {"pseudonymise": now is not None}}
    if words is None:
        require_same_names(tags, config, "run=1")
        return
    with pytest.raises(ConfigError, match=f"run=1: .*{words}"):
        require_same_names(tags, config, "run=1")
