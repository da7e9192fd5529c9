"""Check of the SQLite database: on a broken one MLflow takes minutes and prints a traceback."""

import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock

from idc.errors import TrackingError

DATABASE, LOCK = "mlflow.db", ".store.lock"  # in the embedded store's folder
LOCKED_SECONDS = 6.0  # to wait for another process's write
CHECK_SECONDS = 2.0  # to check for damage; a large database is checked in part
REMEDIES = {
    "SQLITE_BUSY": "another process holds a lock on it. End that process, then try again",
    "SQLITE_LOCKED": "another process holds a lock on it. End that process, then try again",
    "SQLITE_NOTADB": "it is not a database. Move it aside, or set tracking.uri to another",
    "SQLITE_CORRUPT": (
        "it is damaged. Restore a copy, or move it aside: the runs' own folders are intact"
    ),
    "SQLITE_READONLY": "it is read-only. Make it and its folder writable, or set paths.mlruns",
    "SQLITE_CANTOPEN": "it cannot be opened. Make it and its folder writable, or set paths.mlruns",
    "SQLITE_FULL": "its disk is full. Free some space, or set paths.mlruns to another disk",
    "SQLITE_IOERR": "its disk fails to read or write. Set paths.mlruns to another disk",
}


def sqlite_uri(mlruns: Path) -> str:
    """URI of the database in a folder.

    SQLAlchemy parses the path as part of a URL, so a path with URL delimiters is quoted. Its
    slashes too: MLflow takes the unquoted path literally and creates its parent folder.
    """
    path = str(mlruns / DATABASE)
    return f"sqlite:///{quote(path, safe='') if set('?#%') & set(path) else path}"


def check_embedded(mlruns: Path) -> None:
    """Check the embedded store before MLflow is imported, which takes seconds.

    Args:
        mlruns: Its folder.

    Raises:
        TrackingError: See `check_file`.
    """
    path = mlruns.absolute() / DATABASE
    if path.exists():
        # Whoever holds the lock is opening it; it is checked again when it is our turn.
        with suppress(OSError), FileLock(mlruns / LOCK, timeout=0):
            check_file(path)


def check_database(uri: str) -> None:
    """Check an SQLite database; a missing one is fine.

    Args:
        uri: Its URI, ``sqlite:///FILE``.

    Raises:
        TrackingError: See `check_file`.
    """
    from sqlalchemy.engine import make_url

    name = make_url(uri).database
    if name and name != ":memory:" and (path := Path(name).absolute()).exists():
        check_file(path)


def check_file(path: Path) -> None:
    """Check the file of an SQLite database.

    Raises:
        TrackingError: The file is damaged, locked, not a database, or cannot be written.
    """
    if path.is_dir():
        raise TrackingError(
            f"tracking: {path} is a folder, but should be the database of the runs. Move it "
            f"aside, or set paths.mlruns to another folder."
        )
    place = f"{path.as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(place, uri=True, timeout=LOCKED_SECONDS)) as connection:
            _check_connection(connection)
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorname", None) or ""
        remedies = (text for name, text in REMEDIES.items() if code.startswith(name))
        what = next(remedies, "MLflow cannot use it")
        raise TrackingError(f"tracking: {path}: {what} ({error}).") from error


def _check_connection(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + CHECK_SECONDS
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_INTERRUPT":
            raise
        answer = "ok"
    connection.set_progress_handler(None, 0)
    if answer != "ok":
        damage = sqlite3.DatabaseError(str(answer))
        damage.sqlite_errorname = "SQLITE_CORRUPT"
        raise damage
    connection.execute("BEGIN IMMEDIATE")
    connection.rollback()
