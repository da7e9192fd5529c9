"""The answer journal of a run: written to the local disk, then copied to the run."""

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
from idc.reader_study.answer import Answer
from idc.reader_study.answer_journal import AnswerJournal, read_history
from idc.tracking.lookup import fetch_artifact, list_artifacts
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore

log = logging.getLogger(__name__)
FOLDER, FILE = "review", "answers.jsonl"
COPIES = f"{FOLDER}/answers*.jsonl"  # one per machine
EVERY = 15.0  # seconds between two copies to the run


@dataclass
class MirroredJournal:
    """A journal whose file is periodically copied to the run; see `AnswerJournal`.

    Attributes:
        journal: The journal.
        run: The run.
        order: Order of the cases in this review; see `Answer`.
        select: The cases to choose from; see `Answer`.
    """

    journal: AnswerJournal
    run: MlflowRun
    order: str = ""
    select: str = ""
    _new: threading.Event = field(default_factory=threading.Event)
    _end: threading.Event = field(default_factory=threading.Event)

    def add(self, answer: Answer) -> None:
        """Add an answer; it is on disk when this returns.

        An answer that already has an ``order``, such as a changed one, keeps it.
        """
        if not answer.order:
            answer = replace(answer, order=self.order, select=self.select)
        self.journal.add(answer)
        self._new.set()

    def history(self) -> list[Answer]:
        """All answers, in the order in which they were added."""
        return self.journal.history()

    def copy(self) -> None:
        """Copy the file to the run; a failure is only logged."""
        self._new.clear()
        try:
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / copy_name(self.journal.path)
                shutil.copyfile(self.journal.path, copy)
                self.run.artifacts(copy, FOLDER)
        except Exception as error:  # whatever a store raises: the answers are safe
            self._new.set()
            log.warning(
                "review: the answers are safe in %s, but could not be copied to the run (%s)",
                self.journal.path,
                first_line(error),
            )

    def watch(self) -> None:
        """Copy new answers periodically, until `stop`."""
        while not self._end.wait(EVERY):
            if self._new.is_set():
                self.copy()

    def stop(self) -> None:
        """End `watch`."""
        self._end.set()


@contextmanager
def mirrored(
    journal: AnswerJournal, run: MlflowRun, order: str, select: str
) -> Iterator[MirroredJournal]:
    """Copy a journal to its run inside the ``with`` block and at its end."""
    mirror = MirroredJournal(journal, run, order, select)
    thread = threading.Thread(target=mirror.watch, daemon=True)
    thread.start()
    try:
        yield mirror
    finally:
        mirror.stop()
        thread.join()
        mirror.copy()


def copy_name(journal: Path) -> str:
    """Name of a journal's copy in the run, unique per machine without revealing the host name."""
    place = f"{platform.node()}\0{journal.resolve().parent}".encode()
    return f"answers-{hashlib.blake2b(place, digest_size=5).hexdigest()}.jsonl"


def open_journal(root: Path, run_id: str, store: MlflowStore, folder: Path) -> AnswerJournal:
    """Open a run's journal on this machine and add answers from other machines.

    Args:
        root: ``paths.root``; the journal is below its ``reviews``.
        run_id: The run's id.
        store: The run's store.
        folder: The folder for downloads.

    Raises:
        ReviewError: Another process has opened the journal, or it is damaged.
        TrackingError: The run's answers cannot be downloaded. Without them, readers would be asked
            again, and too few answers would be counted.
    """
    logged = _logged(store, run_id, folder)
    journal = AnswerJournal(root / "reviews" / run_id / FILE)
    for note in journal.notes:
        log.warning("%s", note)
    present = set(journal.history())
    for answer in logged:
        if answer not in present:  # given on another machine
            journal.add(answer)
            present.add(answer)
    return journal


def _logged(store: MlflowStore, run_id: str, folder: Path) -> list[Answer]:
    try:
        names = [name for name, _ in list_artifacts(store, run_id, FOLDER)]
    except OSError as error:
        raise TrackingError(f"review: the run's answers cannot be listed ({error}).") from error
    answers: list[Answer] = []
    for name in names:
        if not fnmatchcase(name, COPIES):
            continue
        try:
            path = fetch_artifact(store, run_id, name, folder)
        except CheckpointError as error:
            raise TrackingError(
                f"review: the run has answers in {name}, but they cannot be downloaded. Check that "
                f"the store is reachable, and try again."
            ) from error
        answers += read_history(path)
    return answers
