"""Readers' answers in a SQLite file: nothing that was saved is lost, and nothing is overwritten."""

import json
import logging
import os
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from idc.errors import DataError, first_line
from idc.reader_study.answer import Answer, CountedAnswer, ReviewError, counted_answers

LONGEST_NAME = 40
PATIENCE = 20.0  # seconds to wait for another process that is writing
SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    reader TEXT NOT NULL CHECK (reader <> '' AND reader = trim(reader)),
    "case" TEXT NOT NULL CHECK ("case" <> ''),
    verdict INTEGER NOT NULL CHECK (typeof(verdict) = 'integer' AND verdict >= -1),
    map_marks TEXT NOT NULL CHECK (map_marks IN ('', 'right', 'partly', 'wrong')),
    method TEXT NOT NULL,
    remark TEXT NOT NULL,
    seen_model INTEGER NOT NULL CHECK (seen_model IN (0, 1)),
    seconds REAL NOT NULL CHECK (typeof(seconds) = 'real' AND seconds BETWEEN 0 AND 1e9),
    time TEXT NOT NULL
        CHECK (julianday(time) IS NOT NULL AND (time LIKE '%Z' OR time LIKE '%+00:00')),
    mode TEXT NOT NULL CHECK (mode IN ('blinded', 'open')),
    "order" TEXT NOT NULL,
    "select" TEXT NOT NULL,
    UNIQUE (reader, "case", verdict, map_marks, method, remark, seen_model, seconds, time, mode,
            "order", "select")
)
"""
# An answer that is in the table already, such as one copied from the run, is not added again.
INSERT = f"INSERT INTO answers VALUES ({', '.join('?' * 12)}) ON CONFLICT DO NOTHING"
_log = logging.getLogger(__name__)


class AnswerStore:
    """A table to which answers are only added, for several threads and processes at once.

    The journal of an earlier version beside the SQLite file (``.jsonl``) is imported and renamed.

    Raises:
        ReviewError: The file cannot be used, or the old journal has a damaged line.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(0o600)
        except OSError as error:
            raise ReviewError(f"{self.path}: cannot be used ({error.strerror}).") from error
        with self._open() as database:
            database.execute(SCHEMA)
        journal = self.path.with_suffix(".jsonl")
        if journal.exists():
            self.add_file(journal)
            journal.replace(journal.with_name(f"{journal.name}.imported"))

    def add(self, answer: Answer) -> None:
        """Add an answer; it is on disk when this returns.

        Raises:
            ReviewError: It is invalid, or could not be saved (full disk, removed file); the
                earlier answers are unchanged.
        """
        with self._open() as database:
            database.execute(INSERT, astuple(answer))

    def add_file(self, path: str | os.PathLike[str]) -> None:
        """Add the answers of a file with one JSON object per line: all or, if this raises, none.

        An incomplete last line, as after a crash, is skipped with a warning.

        Raises:
            ReviewError: The file is unreadable, or has a damaged line.
        """
        try:
            lines = Path(path).read_bytes().split(b"\n")
        except OSError as error:
            raise ReviewError(f"{path} cannot be read ({error.strerror}).") from error
        with self._open() as database:
            for number, line in enumerate(lines, 1):
                try:
                    database.execute(INSERT, astuple(Answer(**json.loads(line))))
                except (ValueError, TypeError, OverflowError, sqlite3.Error) as error:
                    if number < len(lines):
                        raise ReviewError(
                            f"{path}, line {number}: not a valid answer ({first_line(error)}). "
                            f"Correct or remove the line; nothing was changed."
                        ) from error
                    if line:
                        _log.warning("review: the last line of %s is incomplete", path)

    def lines(self) -> str:
        """All answers as one JSON object per line, for `add_file`."""
        return "".join(json.dumps(asdict(answer)) + "\n" for answer in self.history())

    def answers(self) -> list[CountedAnswer]:
        """The answers that count, in the order of the first answers; see `counted_answers`."""
        return counted_answers(self.history())

    def history(self, reader: str | None = None, case: str | None = None) -> list[Answer]:
        """All answers, or those of a reader or to a case, in the order of adding."""
        rows = self._rows(
            'SELECT * FROM answers WHERE reader = ifnull(?, reader) AND "case" = ifnull(?, "case")'
            " ORDER BY rowid",
            (reader, case),
        )
        return [Answer(**{**dict(row), "seen_model": bool(row["seen_model"])}) for row in rows]

    def answered(self, reader: str) -> set[str]:
        """The cases that a reader has answered."""
        rows = self._rows('SELECT DISTINCT "case" FROM answers WHERE reader = ?', (reader,))
        return {case for (case,) in rows}

    def reader_name(self, typed: str) -> str:
        """Normalise a reader's name to the spelling of their first answer: "ab " becomes "AB".

        Raises:
            DataError: It is empty, too long, or contains unprintable characters.
        """
        name = " ".join(unicodedata.normalize("NFC", typed).split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise DataError(f"Type your name or initials, 1 to {LONGEST_NAME} characters.")
        present = self._rows("SELECT reader FROM answers GROUP BY reader ORDER BY min(rowid)")
        return next((r for (r,) in present if r.casefold() == name.casefold()), name)

    def _rows(self, query: str, values: tuple[str | None, ...] = ()) -> list[Any]:
        with self._open() as database:
            return database.execute(query, values).fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction on a connection of its own, so that a file that was removed is noticed."""
        address = f"{self.path.as_uri()}?mode=rw"
        try:
            with closing(sqlite3.connect(address, timeout=PATIENCE, uri=True)) as database:
                database.row_factory = sqlite3.Row
                database.execute("PRAGMA synchronous = EXTRA")
                with database:
                    yield database
        except (sqlite3.Error, OverflowError) as error:
            raise ReviewError(
                f"{self.path}: the answers cannot be read or saved ({first_line(error)}). Check "
                f"that the file is there and writable, and that the disk has free space; earlier "
                f"answers are safe."
            ) from error
