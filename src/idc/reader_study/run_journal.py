"""The journal of a run's review: on this machine's disk at once, in the run soon after."""

import hashlib
import logging
import platform
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from idc.errors import CheckpointError, TrackingError, first_line
from idc.reader_study.answers import Answer, Journal, read_history
from idc.tracking.lookup import fetch_artifact, list_artifacts
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore

log = logging.getLogger(__name__)
FOLDER, FILE = "review", "answers.jsonl"
COPIES = f"{FOLDER}/answers*.jsonl"  # one a machine
EVERY = 15.0  # seconds between two copies to the run


@dataclass
class Mirrored:
    """A journal whose file is copied to the run every while; see `Journal`.

    Attributes:
        journal: The journal.
        run: Where its copy goes.
        order: How the cases are ordered that are being answered; see `Answer`.
        select: What they were chosen from.
    """

    journal: Journal
    run: MlflowRun
    order: str = ""
    select: str = ""
    _new: threading.Event = field(default_factory=threading.Event)
    _end: threading.Event = field(default_factory=threading.Event)

    def add(self, answer: Answer) -> None:
        """Keep an answer; it is on the disk when this returns.

        An answer that knows where its case came from, as one that is changed later, keeps that.
        """
        if not answer.order:
            answer = replace(answer, order=self.order, select=self.select)
        self.journal.add(answer)
        self._new.set()

    def history(self) -> list[Answer]:
        """All that was said, in the order in which it came in."""
        return self.journal.history()

    def copy(self) -> None:
        """Copy the file to the run; a store that cannot be reached is told of, no more."""
        self._new.clear()
        try:
            with tempfile.TemporaryDirectory() as folder:
                named = Path(folder) / copy_name(self.journal.path)
                shutil.copyfile(self.journal.path, named)
                self.run.artifacts(named, FOLDER)
        except Exception as error:  # whatever a store raises: the answers are safe, and go on
            self._new.set()
            log.warning(
                "review: the answers are safe in %s, but could not be copied to the run (%s)",
                self.journal.path,
                first_line(error),
            )

    def watch(self) -> None:
        """Copy what is new, until `stop`."""
        while not self._end.wait(EVERY):
            if self._new.is_set():
                self.copy()

    def stop(self) -> None:
        """End `watch`."""
        self._end.set()


@contextmanager
def mirrored(journal: Journal, run: MlflowRun, order: str, select: str) -> Iterator[Mirrored]:
    """A journal that is copied to its run while inside, and at the end; see `Mirrored`."""
    keeper = Mirrored(journal, run, order, select)
    thread = threading.Thread(target=keeper.watch, daemon=True)
    thread.start()
    try:
        yield keeper
    finally:
        keeper.stop()
        thread.join()
        keeper.copy()


def copy_name(journal: Path) -> str:
    """What a journal is called in the run: another name on each machine, which names no host."""
    place = f"{platform.node()}\0{journal.resolve().parent}".encode()
    return f"answers-{hashlib.blake2b(place, digest_size=5).hexdigest()}.jsonl"


def open_journal(root: Path, run_id: str, store: MlflowStore, folder: Path) -> Journal:
    """The journal of a run on this machine, with the answers that the run holds besides.

    Args:
        root: ``paths.root``; the journal is below its ``reviews``.
        run_id: The run's id.
        store: Where the run is kept.
        folder: For what has to be downloaded.

    Raises:
        ReviewError: Another process has the journal, or it is damaged.
        TrackingError: The run's answers cannot be had: without them this machine would ask
            readers again, and count too few.
    """
    logged = _logged(store, run_id, folder)
    journal = Journal(root / "reviews" / run_id / FILE)
    for note in journal.notes:
        log.warning("%s", note)
    known = set(journal.history())
    for answer in logged:
        # Given on another machine.
        if answer not in known:
            journal.add(answer)
            known.add(answer)
    return journal


def _logged(store: MlflowStore, run_id: str, folder: Path) -> list[Answer]:
    try:
        names = [name for name, _ in list_artifacts(store, run_id, FOLDER)]
    except OSError as error:
        raise TrackingError(f"review: the run's answers cannot be listed ({error}).") from error
    found: list[Answer] = []
    for name in names:
        if not fnmatchcase(name, COPIES):
            continue
        try:
            path = fetch_artifact(store, run_id, name, folder)
        except CheckpointError as error:
            raise TrackingError(
                f"review: the run holds {name}, answers of this or another machine, but they "
                f"cannot be fetched. See that the store can be reached, and try again."
            ) from error
        found += read_history(path)
    return found
