"""A run's file comes from its own folder, else from its artifacts, and is verified either way."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from idc.errors import CheckpointError, MissingArtifactError
from idc.tracking import run_files
from idc.tracking.integrity import digest_tags
from idc.tracking.run_files import own_file, run_file

STORE: Any = None  # never asked: `fetch_artifact` is replaced


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A run's folder with one file."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "split.csv").write_text("a\n")
    return tmp_path / "own"


def record_of(folder: Path) -> Any:
    """A run that logged the file of a folder."""
    tags = digest_tags(folder, ["split.csv"])
    return SimpleNamespace(info=SimpleNamespace(run_id="1"), data=SimpleNamespace(tags=tags))


def test_the_own_file_is_taken_without_a_download(own: Path, tmp_path: Path) -> None:
    assert own_file(STORE, record_of(own), own, "split.csv", tmp_path) == own / "split.csv"


def test_a_file_that_changed_since_is_refused(own: Path, tmp_path: Path) -> None:
    record = record_of(own)
    (own / "split.csv").write_text("b\n")
    with pytest.raises(CheckpointError, match=r"run=1: .*split\.csv is damaged"):
        own_file(STORE, record, own, "split.csv", tmp_path)


@pytest.mark.parametrize("elsewhere", [True, False])
def test_without_it_the_artifact_is_fetched(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    record, folders = record_of(own), []

    def fetch(store: object, run_id: str, name: str, folder: Path) -> Path:
        folders.append(folder)
        return (own / name).rename(tmp_path / name)

    monkeypatch.setattr(run_files, "fetch_artifact", fetch)
    monkeypatch.setattr(run_files, "run_folder", lambda *_: tmp_path / "empty")
    if elsewhere:
        path = own_file(STORE, record, None, "split.csv", tmp_path / "down")
        assert folders == [tmp_path / "down"]
    else:
        path = run_file(STORE, record, {}, "split.csv", tmp_path / "down")
        assert folders == [tmp_path / "down" / "1"]  # runs do not share a folder
    assert path.read_text() == "a\n"


def test_a_file_that_is_nowhere_is_named_with_what_logs_it(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object) -> Path:
        raise MissingArtifactError("none")

    monkeypatch.setattr(run_files, "fetch_artifact", fetch)
    with pytest.raises(MissingArtifactError, match=r"run=1: .*last\.ckpt.*log_checkpoints"):
        own_file(STORE, record_of(own), own, "last.ckpt", tmp_path)
