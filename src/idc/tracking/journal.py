"""What a run has to log, on this machine's disk until its store has confirmed it.

A journal is a folder: ``about.json`` (which run, which store), ``entries.jsonl`` (one JSON object
a line, in order), ``delivered`` (how many bytes of it the store has confirmed), ``files/``
(artifacts as they were when they were logged) and ``refused.jsonl`` (what the store will not have).
It outlives its process, however that ends: what is on the disk is delivered by whoever comes next.
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

FOLDER = "journal"  # in mlruns
PROVISIONAL = "local-"  # a run's id until its server has given it one
ABOUT, ENTRIES, FILES = "about.json", "entries.jsonl", "files"
DELIVERED, REFUSED = "delivered", "refused.jsonl"
LOCK = ".lock"
LINKED = (".ckpt",)  # large, and replaced as a whole rather than written into
END, CLOSED, ABANDONED = "end", "closed", "abandoned"
LAST = (END, CLOSED, ABANDONED)  # kinds of entry after which a process has no more to say


@dataclass(frozen=True)
class About:
    """Which run a journal belongs to.

    Attributes:
        run: The run's id, or a provisional one.
        uri: The store's tracking URI, without a password.
        experiment: The experiment's name.
        owner: Whether the run runs as long as the process that writes here; otherwise something
            is added to a run that has ended.
        secret: Whether a user and a password were left out of the URI.
    """

    run: str
    uri: str
    experiment: str
    owner: bool = True
    secret: bool = False


@dataclass(frozen=True)
class Entry:
    """One thing to log.

    Attributes:
        kind: What it is; see `idc.tracking.delivery`.
        fields: What it holds.
        end: Bytes of the journal up to and with it.
    """

    kind: str
    fields: Mapping[str, Any]
    end: int


class Journal:
    """An open journal, which no other process has open; see the module.

    Args:
        folder: Its folder.
        about: What it is of.
        lock: Held until `close`.
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
        """Begin a journal.

        Args:
            root: The folder of all journals.
            about: What it is of.

        Raises:
            OSError: The disk is full or cannot be written.
        """
        # By age, so that an earlier journal of a run is delivered before a later one.
        folder = root / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        lock = FileLock(folder / LOCK, thread_local=False)
        lock.acquire(timeout=0)
        (folder / ABOUT).write_text(json.dumps(asdict(about), indent=2) + "\n", encoding="utf-8")
        return cls(folder, about, lock)

    @classmethod
    def take_over(cls, folder: Path) -> "Journal | None":
        """Open a journal that its process has left; None if there is none, or it is in use."""
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
            lock.release()  # torn in its first moment, before it held anything, or removed
            return None

    def append(self, kind: str, *, durable: bool = False, **fields: Any) -> None:
        """Write an entry; it survives the process from then on.

        Args:
            kind: See `Entry`.
            durable: Whether it must survive a power cut too.
            fields: See `Entry`.

        Raises:
            OSError: The disk is full or cannot be written; the journal is as it was.
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
        """Copy a file or folder as it is now; checkpoints are linked where that is possible.

        Returns:
            Where it lies in the journal's folder.
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
                pass  # another disk, or one without links
        shutil.copyfile(path, target)
        return place.as_posix()

    def entries(self, most: int = 300) -> list[Entry]:
        """The first entries that are not delivered yet."""
        found: list[Entry] = []
        with (self.folder / ENTRIES).open("rb") as file:
            file.seek(self._delivered)
            while file.tell() < self._size and len(found) < most:
                content = json.loads(file.readline())
                found.append(Entry(content.pop("kind"), content, file.tell()))
        return found

    @property
    def waiting(self) -> bool:
        """Whether anything is left to deliver."""
        return self._delivered < self._size

    def count_waiting(self) -> int:
        """Entries that are not delivered yet."""
        return len(self.entries(1_000_000)) if self.waiting else 0

    def confirm(self, entries: Sequence[Entry]) -> None:
        """Note that the store has these entries, the first of those that were waiting."""
        part = self.folder / f"{DELIVERED}.part"
        part.write_text(f"{entries[-1].end}\n", encoding="utf-8")
        part.replace(self.folder / DELIVERED)
        self._delivered = entries[-1].end
        for entry in entries:
            if kept := entry.fields.get("file") or entry.fields.get("folder"):
                shutil.rmtree((self.folder / kept).parent, ignore_errors=True)

    def refuse(self, entry: Entry, reason: str) -> None:
        """Set aside what the store will not have, so that what follows arrives all the same."""
        line = {"reason": reason, "kind": entry.kind, **entry.fields}
        with (self.folder / REFUSED).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.confirm([Entry(entry.kind, {}, entry.end)])

    def refused(self) -> list[str]:
        """Why the store would not have what it refused."""
        path = self.folder / REFUSED
        if not path.is_file():
            return []
        return [
            json.loads(line)["reason"] for line in path.read_text(encoding="utf-8").splitlines()
        ]

    def retry_refused(self) -> None:
        """Try again what was refused: the store's owner may have mended it."""
        path = self.folder / REFUSED
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            content = json.loads(line)
            del content["reason"]
            self.append(content.pop("kind"), **content)
        path.unlink(missing_ok=True)

    @property
    def abandoned(self) -> bool:
        """Whether its process ended without saying what became of the run."""
        lines = (self.folder / ENTRIES).read_bytes().splitlines()
        return not lines or json.loads(lines[-1])["kind"] not in LAST

    def leave(self) -> None:
        """Let another process have it, as it is."""
        self._closed = True
        self._lock.release()

    def close(self) -> None:
        """Nothing more is written by this process; a journal that is wholly delivered goes."""
        if self._closed:
            return
        if self.waiting or self.refused():
            if self.abandoned:
                self.append(CLOSED)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.leave()


class RunIds:
    """Which runs the provisional ids have become.

    Args:
        root: The folder of all journals.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / "ids"

    def resolve(self, run_id: str) -> str | None:
        """A run's id in its store; None if it is provisional and not delivered yet."""
        if not run_id.startswith(PROVISIONAL):
            return run_id
        try:
            return (self._folder / run_id).read_text(encoding="utf-8").strip() or None
        except OSError:
            return None

    def record(self, provisional: str, run_id: str) -> None:
        """Remember what a provisional id has become."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f".{provisional}"
        part.write_text(run_id + "\n", encoding="utf-8")
        part.replace(self._folder / provisional)


def left_behind(root: Path) -> Iterator[Journal]:
    """Take over the journals that no process has open, oldest first."""
    if not root.is_dir():
        return
    for folder in sorted(root.iterdir()):
        if (journal := Journal.take_over(folder)) is not None:
            yield journal


def is_open(root: Path, run_id: str, but: Path) -> bool:
    """Whether some process on this machine writes to a journal of a run, other than one."""
    return any(about.run == run_id for folder, about in _open_journals(root) if folder != but)


def count_in_use(root: Path) -> int:
    """How many journals running processes on this machine write to."""
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
            continue  # removed meanwhile, or torn


def _cut_torn_line(path: Path) -> int:
    """Drop what a kill left of a last line; the size in bytes."""
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
