"""What readers said: a journal of lines that survives crashes."""

import contextlib
import json
import os
import threading
from dataclasses import MISSING, asdict, fields
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from idc.errors import first_line
from idc.reader_study.answer import UNSURE, Answer, ReviewError, Standing, as_frame, standing

__all__ = [
    "UNSURE",
    "Answer",
    "Journal",
    "ReviewError",
    "Standing",
    "as_frame",
    "read_answers",
    "read_history",
    "standing",
]


class Journal:
    """A file of answers, a JSON object a line, for one process at a time; any of its threads.

    Args:
        path: The file; made, with its folder, if it is not there.

    Attributes:
        path: The file.
        notes: What was mended when it was opened, in words.

    Raises:
        ReviewError: Another process has it, it cannot be written, or a line is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.notes: list[str] = []
        self._mutex = threading.Lock()
        self._file: int | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A server's threads share it, so it must not belong to the thread that opened it.
            self._lock = FileLock(f"{self.path}.lock", timeout=0, thread_local=False)
            self._lock.acquire()
        except Timeout as error:
            raise ReviewError(
                f"{self.path}: another process writes to this journal; there is one server for "
                f"all readers. Use that one, or end it first."
            ) from error
        except OSError as error:
            raise self._cannot(error) from error
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, answer: Answer) -> None:
        """Keep an answer: it is on the disk when this returns.

        Raises:
            ReviewError: It could not be saved (a full disk, a file that is gone); the journal is
                as it was before.
        """
        line = (json.dumps(asdict(answer), allow_nan=False) + "\n").encode()
        with self._mutex:
            if self._file is None:
                raise ReviewError(f"{self.path}: the journal is closed; the answer is not saved.")
            status = os.fstat(self._file)
            if not self._is_still(status):
                raise ReviewError(
                    f"{self.path}: the journal was moved or removed while it was open; the answer "
                    f"is not saved. Bring it back, and open the review anew."
                )
            size = status.st_size
            try:
                _write(self._file, line)
            except OSError as error:
                self._take_back(size)
                raise self._cannot(error) from error
            self._history.append(answer)

    def answers(self) -> list[Standing]:
        """What counts of each reader and case, in the order of their first answers."""
        return standing(self.history())

    def history(self) -> list[Answer]:
        """All that was said, in the order in which it came in."""
        with self._mutex:
            return list(self._history)

    def close(self) -> None:
        """Let another process have it. Closing twice does nothing."""
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
                _sync_folder(self.path.parent)
            self._history, rest = _read(self.path)
            if rest is not None:
                self._mend(rest)
        except OSError as error:
            raise self._cannot(error) from error

    def _mend(self, rest: bytes) -> None:
        """End the last line, or, if it was cut short, move it aside."""
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
            _sync_folder(self.path.parent)
            self.notes.append(
                f"{self.path.name}: its last line was cut short, as by a crash; these "
                f"{len(rest)} bytes are now in {aside.name}, and all lines before are whole."
            )
        else:
            _write(self._file, b"\n")
            self._history.append(answer)

    def _is_still(self, status: os.stat_result) -> bool:
        """Whether the open file is the one that has the journal's name."""
        try:
            return os.path.samestat(self.path.stat(), status)
        except FileNotFoundError:
            return False

    def _take_back(self, size: int) -> None:
        assert self._file is not None
        try:
            os.ftruncate(self._file, size)
            os.fsync(self._file)
        except OSError:  # what is on the disk is not known: only a new opening can tell
            os.close(self._file)
            self._file = None

    def _cannot(self, error: OSError) -> ReviewError:
        return ReviewError(
            f"{self.path}: the answer cannot be saved ({error.strerror or error}). Make room, or "
            f"give a folder that can be written; what was saved before is safe."
        )


def read_history(path: str | os.PathLike[str]) -> list[Answer]:
    """All answers of a journal that another process may be writing to; a cut last line is left.

    Raises:
        ReviewError: There is no such file, it cannot be read, or a line is damaged.
    """
    try:
        history, rest = _read(Path(path))
    except OSError as error:
        raise ReviewError(f"{path}: it cannot be read ({error.strerror or error}).") from error
    if rest is not None:
        with contextlib.suppress(ValueError):  # the writer may be in the middle of it
            history.append(_parsed(rest))
    return history


def read_answers(path: str | os.PathLike[str]) -> pd.DataFrame:
    """What counts in a journal, as `as_frame` gives it; see `read_history`."""
    return as_frame(standing(read_history(path)))


def _read(path: Path) -> tuple[list[Answer], bytes | None]:
    """The whole lines of a file, and what comes after the last line's end, if anything."""
    *lines, rest = path.read_bytes().split(b"\n")
    history = []
    for number, line in enumerate(lines, 1):
        try:
            history.append(_parsed(line))
        except ValueError as error:
            raise ReviewError(
                f"{path}, line {number}: this is no answer ({first_line(error)}). Mend the line, "
                f"or move it to another file; nothing was changed."
            ) from error
    return history, rest or None


def _parsed(line: bytes) -> Answer:
    """An answer from its line.

    Raises:
        ValueError: It is none.
    """
    content = json.loads(line.decode())
    if not isinstance(content, dict):
        raise ValueError("not an object with an answer's fields")
    known = {field.name for field in fields(Answer)}
    # A journal may be older than a field that has a default.
    needed = {field.name for field in fields(Answer) if field.default is MISSING}
    if odd := sorted((needed - set(content)) | (set(content) - known)):
        raise ValueError(f"the fields {', '.join(odd)} are missing or not known")
    try:
        return Answer(**content)
    except ReviewError as error:
        raise ValueError(str(error)) from error


def _write(file: int, content: bytes) -> None:
    """Write all of it and bring it to the disk; a file descriptor may take a part at a time."""
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


def _sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk: else a crash can lose a new file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
