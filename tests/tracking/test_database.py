"""A database that cannot be used is named at once, with what to do."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from idc.errors import TrackingError
from idc.tracking import database
from idc.tracking.database import check_database, check_embedded, sqlite_uri
from idc.tracking.mlflow_store import open_store

BOUND = 10.0  # seconds


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:30_000])


def overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40_960:81_920] = b"\xff" * 40_960
    path.write_bytes(content)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (cut, "damaged"),
    "overwritten": (overwritten, "damaged"),
    "another file": (lambda path: path.write_bytes(b"hello" * 1000), "not a database"),
    "a folder": (folder, "is a folder"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_no_database_is_named(tmp_path: Path, empty_database: Path, what: str) -> None:
    breaks, says = BREAKS[what]
    path = tmp_path / "mlflow.db"
    shutil.copyfile(empty_database, path)
    breaks(path)
    began = time.monotonic()
    with pytest.raises(TrackingError, match=f"{path}.*{says}"):
        open_store("local", None, "idc", tmp_path)
    assert time.monotonic() - began < BOUND
    with pytest.raises(TrackingError, match=f"{path}.*{says}"):
        check_embedded(tmp_path)


@pytest.mark.slow
def test_a_store_is_checked_before_anything_heavy_is_imported(
    tmp_path: Path, empty_database: Path
) -> None:
    (tmp_path / "mlruns").mkdir()
    shutil.copyfile(empty_database, tmp_path / "mlruns" / "mlflow.db")
    cut(tmp_path / "mlruns" / "mlflow.db")
    code = (
        "import sys, idc.train\n"
        "try: idc.train.main()\n"
        "finally: print('LOADED', {'torch', 'mlflow', 'pandas'} & set(sys.modules))"
    )
    for options in ([], ["-m", "seed=1,2"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *options],
            env={**os.environ, "IDC_ROOT": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert done.stderr.count("error: tracking: ") == 1, done.stderr
        assert "LOADED set()" in done.stdout


@pytest.fixture
def locked(tmp_path: Path, empty_database: Path) -> Iterator[Path]:
    path = tmp_path / "mlflow.db"
    shutil.copyfile(empty_database, path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield path


def test_a_locked_database_is_named(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert database.LOCKED_SECONDS + database.CHECK_SECONDS < BOUND
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.2)
    with pytest.raises(TrackingError, match="another process holds a lock"):
        open_store("local", None, "idc", locked.parent)


@pytest.mark.parametrize("name", ["plain", "q?u=1", "a b", "50%", "x#y"])
def test_a_whole_database_and_none_are_fine(
    tmp_path: Path, empty_database: Path, name: str
) -> None:
    place = tmp_path / name
    place.mkdir()
    check_database(sqlite_uri(place))
    assert list(place.iterdir()) == []
    shutil.copyfile(empty_database, place / "mlflow.db")
    check_database(sqlite_uri(place))


def test_a_large_database_is_not_looked_at_for_long(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CHECK_SECONDS", -1.0)
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("CREATE TABLE many (x)")
        connection.executemany("INSERT INTO many VALUES (?)", [(i,) for i in range(20_000)])
    check_database(sqlite_uri(tmp_path))
