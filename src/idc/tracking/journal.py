"""Journal of a run: its log entries on the local disk until the store has confirmed them.

A journal is a folder with ``about.json`` (run and store), ``entries.jsonl`` (one JSON object per
line, in order), ``delivered`` (number of bytes of it that the store has confirmed), ``files/``
(artifacts as they were when logged) and ``refused.jsonl`` (entries rejected by the store). It
outlives its process, even a killed one: a later process delivers what is left.
"""

import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from idc.runtime.atomic import write_text

FOLDER = "journal"  # in mlruns
PROVISIONAL = "local-"  # prefix of a run's id until its server has assigned one
ABOUT, ENTRIES, FILES = "about.json", "entries.jsonl", "files"
DELIVERED, REFUSED = "delivered", "refused.jsonl"
LOCK = ".lock"
LINKED = (".ckpt",)  # large, and replaced as a whole rather than modified
END, CLOSED, ABANDONED = "end", "closed", "abandoned"
LAST = (END, CLOSED, ABANDONED)  # kinds of a process's last entry


@dataclass(frozen=True)
class About:
    """The run that a journal belongs to.

    Attributes:
        run: The run's id, or a provisional one.
        uri: The store's tracking URI, without credentials.
        experiment: The experiment's name.
        owner: Whether the writing process runs the run; otherwise it adds to one that has ended.
        secret: Whether credentials were removed from the URI.
    """

    run: str
    uri: str
    experiment: str
    owner: bool = True
    secret: bool = False


@dataclass(frozen=True)
class JournalEntry:
    """One entry to log.

    Attributes:
        kind: Kind of entry; see `idc.tracking.journal_delivery`.
        fields: Its content.
        end: Offset of its end in the journal, in bytes.
    """

    kind: str
    fields: Mapping[str, Any]
    end: int


class Journal:
    """A journal opened exclusively by this process; see the module docstring.

    Args:
        folder: Its folder.
        about: The run that it belongs to.
        lock: Held until `close` or `release`.
    """

    def __init__(self, folder: Path, about: About, lock: FileLock) -> None:
        self.folder = folder
        self.about = about
        self._lock = lock
        self._writing = threading.Lock()
        self._size = _cut_torn_line(folder / ENTRIES)
        self._delivered = _read_number(folder / DELIVERED)
        self._closed = False

    @classmethod
    def create(cls, root: Path, about: About) -> "Journal":
        """Create a journal.

        Args:
            root: The folder of all journals.
            about: The run that it belongs to.

        Raises:
            OSError: The disk is full or cannot be written to.
        """
        # Named by time, so that a run's journals are delivered in order.
        folder = root / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        lock = FileLock(folder / LOCK, thread_local=False)
        lock.acquire(timeout=0)
        (folder / ABOUT).write_text(json.dumps(asdict(about), indent=2) + "\n", encoding="utf-8")
        return cls(folder, about, lock)

    @classmethod
    def take_over(cls, folder: Path) -> "Journal | None":
        """Open another process's journal; None if there is none, or it is in use."""
        if not (folder / ABOUT).is_file():
            return None
        lock = FileLock(folder / LOCK, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            return None
        try:
            about = About(**json.loads((folder / ABOUT).read_text(encoding="utf-8")))
            return cls(folder, about, lock)
        except (OSError, ValueError, TypeError):
            lock.release()  # its process was killed before the first entry, or it was removed
            return None

    def append(self, kind: str, *, durable: bool = False, **fields: Any) -> None:
        """Write an entry; it survives the end of the process.

        Args:
            kind: See `JournalEntry`.
            durable: Whether it must survive a power failure too.
            fields: See `JournalEntry`.

        Raises:
            OSError: The disk is full or cannot be written to; the journal is unchanged.
        """
        line = (json.dumps({"kind": kind, **fields}, ensure_ascii=False) + "\n").encode()
        path = self.folder / ENTRIES
        with self._writing, path.open("ab", buffering=0) as file:
            try:
                written = file.write(line)
                if written != len(line):
                    raise OSError(28, os.strerror(28), str(path))
                if durable:
                    os.fsync(file.fileno())
            except OSError:
                file.truncate(self._size)
                raise
            self._size += len(line)

    def keep(self, path: Path) -> str:
        """Copy a file or folder into the journal; checkpoints are hard-linked where possible.

        Returns:
            Its path within the journal's folder.
        """
        place = Path(FILES) / uuid.uuid4().hex / path.name
        target = self.folder / place
        target.parent.mkdir(parents=True)
        if path.is_dir():
            shutil.copytree(path, target)
            return place.as_posix()
        if path.suffix in LINKED:
            try:
                os.link(path, target)
                return place.as_posix()
            except OSError:
                pass  # another disk, or one without hard links
        shutil.copyfile(path, target)
        return place.as_posix()

    def entries(self, most: int = 300) -> list[JournalEntry]:
        """The first undelivered entries."""
        entries: list[JournalEntry] = []
        with (self.folder / ENTRIES).open("rb") as file:
            file.seek(self._delivered)
            while file.tell() < self._size and len(entries) < most:
                content = json.loads(file.readline())
                entries.append(JournalEntry(content.pop("kind"), content, file.tell()))
        return entries

    @property
    def waiting(self) -> bool:
        """Whether there are undelivered entries."""
        return self._delivered < self._size

    def count_waiting(self) -> int:
        """Number of undelivered entries."""
        return len(self.entries(1_000_000)) if self.waiting else 0

    def confirm(self, entries: Sequence[JournalEntry]) -> None:
        """Record that the store has received these entries, the first undelivered ones."""
        part = self.folder / f"{DELIVERED}.part"
        part.write_text(f"{entries[-1].end}\n", encoding="utf-8")
        part.replace(self.folder / DELIVERED)
        self._delivered = entries[-1].end
        for entry in entries:
            if kept := entry.fields.get("file") or entry.fields.get("folder"):
                shutil.rmtree((self.folder / kept).parent, ignore_errors=True)

    def refuse(self, entry: JournalEntry, reason: str) -> None:
        """Set aside an entry that the store rejects, so that the following ones are delivered."""
        line = {"reason": reason, "kind": entry.kind, **entry.fields}
        with (self.folder / REFUSED).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.confirm([JournalEntry(entry.kind, {}, entry.end)])

    def refused(self) -> list[str]:
        """Reasons for which the store refused entries."""
        path = self.folder / REFUSED
        if not path.is_file():
            return []
        return [
            json.loads(line)["reason"] for line in path.read_text(encoding="utf-8").splitlines()
        ]

    def retry_refused(self) -> None:
        """Append refused entries again, as the store may have been repaired."""
        path = self.folder / REFUSED
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            content = json.loads(line)
            del content["reason"]
            self.append(content.pop("kind"), **content)
        path.unlink(missing_ok=True)

    @property
    def abandoned(self) -> bool:
        """Whether its process was killed before it closed the run."""
        lines = (self.folder / ENTRIES).read_bytes().splitlines()
        return not lines or json.loads(lines[-1])["kind"] not in LAST

    def release(self) -> None:
        """Release the lock, so that another process can take the journal over."""
        self._closed = True
        self._lock.release()

    def close(self) -> None:
        """Close the journal; a fully delivered one is removed."""
        if self._closed:
            return
        if self.waiting or self.refused():
            if self.abandoned:
                self.append(CLOSED)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.release()


class RunIds:
    """Mapping of provisional run ids to the ids in the store.

    Args:
        root: The folder of all journals.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / "ids"

    def resolve(self, run_id: str) -> str | None:
        """Id of a run in its store; None if it is provisional and not delivered yet."""
        if not run_id.startswith(PROVISIONAL):
            return run_id
        try:
            return (self._folder / run_id).read_text(encoding="utf-8").strip() or None
        except OSError:
            return None

    def record(self, provisional: str, run_id: str) -> None:
        """Record the final id of a run with a provisional id."""
        write_text(self._folder / provisional, run_id + "\n")


def orphaned_journals(root: Path) -> Iterator[Journal]:
    """Take over the journals that no process has open, oldest first."""
    if not root.is_dir():
        return
    for folder in sorted(root.iterdir()):
        if (journal := Journal.take_over(folder)) is not None:
            yield journal


def is_open(root: Path, run_id: str, but: Path) -> bool:
    """Whether a process on this machine writes to a journal of a run, other than folder `but`."""
    return any(about.run == run_id for folder, about in _open_journals(root) if folder != but)


def count_in_use(root: Path) -> int:
    """Number of journals that running processes on this machine write to."""
    return sum(1 for _ in _open_journals(root))


def _open_journals(root: Path) -> Iterator[tuple[Path, About]]:
    for path in root.glob(f"*/{ABOUT}"):
        try:
            about = About(**json.loads(path.read_text(encoding="utf-8")))
            with FileLock(path.with_name(LOCK), timeout=0):
                pass
        except Timeout:
            yield path.parent, about
        except (OSError, ValueError, TypeError):
            continue  # removed meanwhile, or damaged


def _cut_torn_line(path: Path) -> int:
    """Truncate an incomplete last line, left by a killed process; returns the size in bytes."""
    if not path.is_file():
        path.touch()
        return 0
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    return whole


def _read_number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
