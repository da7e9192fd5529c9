"""What a run's tags say is checked: its files' digests, and the tags themselves."""

from pathlib import Path

import pytest

from idc.errors import CheckpointError
from idc.runtime.outcome import Outcome, load_outcome
from idc.tracking.integrity import check_file, digest_tags, logged_class_names, logged_settings

WHAT = "run=1"


def test_a_file_is_as_it_was_logged(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("a,b\n")
    tags = digest_tags(tmp_path, ["split.csv", "absent.csv"], "explain/files=a/")
    assert list(tags) == ["idc.digest.explain/files_a/split.csv"]
    name = "explain/files=a/split.csv"
    assert check_file(tmp_path / "split.csv", name, tags, WHAT) == tmp_path / "split.csv"
    (tmp_path / "split.csv").write_text("a,c\n")
    with pytest.raises(CheckpointError, match=r"run=1: .*split\.csv is damaged.*files=a"):
        check_file(tmp_path / "split.csv", name, tags, WHAT)
    check_file(tmp_path / "split.csv", "another", tags, WHAT)


@pytest.mark.parametrize("tag", [None, "", "nonsense", "[1, 2]", '["one"]', '{"a": "b"}', "null"])
def test_class_names(tag: str | None) -> None:
    assert logged_class_names({"data.class_names": '["no", "yes"]'}, WHAT) == ("no", "yes")
    with pytest.raises(CheckpointError, match=r"run=1: .*data\.class_names"):
        logged_class_names({} if tag is None else {"data.class_names": tag}, WHAT)


@pytest.mark.parametrize("tag", ["", "nonsense", "[]", '{"seed": 1}'])
def test_settings(tag: str) -> None:
    assert logged_settings({}, WHAT) == {}
    assert logged_settings({"idc.settings": '{"seed": "1"}'}, WHAT) == {"seed": "1"}
    with pytest.raises(CheckpointError, match=r"run=1: .*idc\.settings"):
        logged_settings({"idc.settings": tag}, WHAT)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '"words"', "{}", '{"name": 3}', '{"name": "a", "unknown": 1}']
)
def test_a_torn_outcome_is_named(tmp_path: Path, text: str) -> None:
    assert load_outcome(tmp_path) is None
    Outcome("mine").save(tmp_path)
    assert load_outcome(tmp_path) == Outcome("mine")
    (tmp_path / "outcome.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"outcome\.json"):
        load_outcome(tmp_path)
