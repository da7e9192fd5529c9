"""The small file that says how a job ended."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.errors import CheckpointError
from idc.runtime.outcome import FILE, Outcome, load_outcome

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.text(), st.dictionaries(st.text(), NUMBERS), st.lists(st.text()))
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, name: str, metrics: dict[str, float], notes: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("outcome")
    outcome = Outcome(name, "FINISHED", "abc", 0.5, metrics, notes=notes)
    outcome.save(folder)
    assert load_outcome(folder) == outcome


def test_no_file_is_no_outcome(tmp_path: Path) -> None:
    assert load_outcome(tmp_path) is None


@pytest.mark.parametrize(
    "damage", [{"metrics": []}, {"name": None}, {"surprise": 1}, {"notes": "one"}], ids=str
)
def test_a_damaged_file_is_named(tmp_path: Path, damage: dict[str, object]) -> None:
    Outcome("a run").save(tmp_path)
    content = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({**content, **damage}))
    with pytest.raises(CheckpointError, match=f"{FILE} is damaged"):
        load_outcome(tmp_path)


def test_half_a_file_is_damaged_and_secrets_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "sekret123")
    Outcome("a run", error="refused: sekret123").save(tmp_path)
    text = (tmp_path / FILE).read_text()
    assert "sekret123" not in text
    (tmp_path / FILE).write_text(text[: len(text) // 2])
    with pytest.raises(CheckpointError, match="is damaged"):
        load_outcome(tmp_path)
