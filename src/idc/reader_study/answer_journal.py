"""Readers' answers in a journal file that survives crashes."""

import contextlib
import json
import os
import threading
from dataclasses import MISSING, asdict, fields
from pathlib import Path

from filelock import FileLock, Timeout

from idc.errors import first_line
from idc.reader_study.answer import Answer, CountedAnswer, ReviewError, counted_answers
from idc.runtime.atomic import sync


class AnswerJournal:
    """A file of answers, one JSON object per line, for one process at a time, thread-safe.

    Args:
        path: The file, created with its folder if necessary.

    Attributes:
        path: The file.
        notes: Repairs made when it was opened, as sentences.

    Raises:
        ReviewError: Another process has opened it, it cannot be written, or a line is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.notes: list[str] = []
        self._mutex = threading.Lock()
        self._file: int | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Shared by the server's threads, so it must not belong to the one that opened it.
            self._lock = FileLock(f"{self.path}.lock", timeout=0, thread_local=False)
            self._lock.acquire()
        except Timeout as error:
            raise ReviewError(
                f"{self.path}: another process writes to this journal. Use its review "
                f"server, which serves all readers, or end it first."
            ) from error
        except OSError as error:
            raise self._write_error(error) from error
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "AnswerJournal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, answer: Answer) -> None:
        """Append an answer; it is on disk when this returns.

        Raises:
            ReviewError: It could not be saved (full disk, removed file); the journal is unchanged.
        """
        line = (json.dumps(asdict(answer), allow_nan=False) + "\n").encode()
        with self._mutex:
            if self._file is None:
                raise ReviewError(f"{self.path}: the journal is closed; the answer is not saved.")
            status = os.fstat(self._file)
            if not self._is_in_place(status):
                raise ReviewError(
                    f"{self.path}: the journal was moved or removed while it was open; the answer "
                    f"is not saved. Restore the file and restart the review."
                )
            size = status.st_size
            try:
                _write(self._file, line)
            except OSError as error:
                self._truncate(size)
                raise self._write_error(error) from error
            self._history.append(answer)

    def answers(self) -> list[CountedAnswer]:
        """The answers that count, in the order of the first answers; see `counted_answers`."""
        return counted_answers(self.history())

    def history(self) -> list[Answer]:
        """All answers, in the order in which they were added."""
        with self._mutex:
            return list(self._history)

    def close(self) -> None:
        """Close the file and release the lock; closing twice has no effect."""
        with self._mutex:
            if self._file is not None:
                os.close(self._file)
                self._file = None
            self._lock.release()

    def _open(self) -> None:
        try:
            new = not self.path.exists()
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            if new:
                sync(self.path.parent)
            self._history, rest = _read(self.path)
            if rest is not None:
                self._repair(rest)
        except OSError as error:
            raise self._write_error(error) from error

    def _repair(self, rest: bytes) -> None:
        """Terminate the last line or, if it is incomplete, move it to another file."""
        assert self._file is not None
        try:
            answer = _parsed(rest)
        except ValueError:
            number = 1
            while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
                number += 1
            aside.write_bytes(rest)
            os.ftruncate(self._file, os.fstat(self._file).st_size - len(rest))
            os.fsync(self._file)
            sync(self.path.parent)
            self.notes.append(
                f"{self.path.name}: its last line was incomplete, as after a crash; these "
                f"{len(rest)} bytes are now in {aside.name}, and all lines before are intact."
            )
        else:
            _write(self._file, b"\n")
            self._history.append(answer)

    def _is_in_place(self, status: os.stat_result) -> bool:
        """Whether the open file is still the one at the journal's path."""
        try:
            return os.path.samestat(self.path.stat(), status)
        except FileNotFoundError:
            return False

    def _truncate(self, size: int) -> None:
        assert self._file is not None
        try:
            os.ftruncate(self._file, size)
            os.fsync(self._file)
        except OSError:  # the file's state is unknown until it is opened again
            os.close(self._file)
            self._file = None

    def _write_error(self, error: OSError) -> ReviewError:
        return ReviewError(
            f"{self.path}: the answer cannot be saved ({error.strerror or error}). Free some disk "
            f"space, or use a writable folder; earlier answers are safe."
        )


def read_history(path: str | os.PathLike[str]) -> list[Answer]:
    """Read all answers of a journal that another process may be writing to.

    An incomplete last line is ignored.

    Raises:
        ReviewError: The file is missing, unreadable, or has a damaged line.
    """
    try:
        history, rest = _read(Path(path))
    except OSError as error:
        raise ReviewError(f"{path} cannot be read ({error.strerror or error}).") from error
    if rest is not None:
        with contextlib.suppress(ValueError):  # it may be being written
            history.append(_parsed(rest))
    return history


def _read(path: Path) -> tuple[list[Answer], bytes | None]:
    """The answers in the complete lines of a file, and the incomplete last line, if any."""
    *lines, rest = path.read_bytes().split(b"\n")
    history = []
    for number, line in enumerate(lines, 1):
        try:
            history.append(_parsed(line))
        except ValueError as error:
            raise ReviewError(
                f"{path}, line {number}: not a valid answer ({first_line(error)}). Correct the "
                f"line, or move it to another file; nothing was changed."
            ) from error
    return history, rest or None


def _parsed(line: bytes) -> Answer:
    """Parse a line.

    Raises:
        ValueError: It is not an answer.
    """
    content = json.loads(line.decode())
    if not isinstance(content, dict):
        raise ValueError("not an object with an answer's fields")
    names = {field.name for field in fields(Answer)}
    # A journal may be older than a field that has a default.
    required = {field.name for field in fields(Answer) if field.default is MISSING}
    if wrong := sorted((required - set(content)) | (set(content) - names)):
        raise ValueError(f"the fields {', '.join(wrong)} are missing or unknown")
    try:
        return Answer(**content)
    except ReviewError as error:
        raise ValueError(str(error)) from error


def _write(file: int, content: bytes) -> None:
    """Write everything, as `os.write` may write only a part, and sync it to disk."""
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)
