"""The journal of a run's review: on this machine's disk at once, in the run soon after."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlflow.exceptions import MlflowException

from idc.errors import IdcError, first_line
from idc.review.answers import Answer, Journal, read_history
from idc.tracking.lookup import fetch_artifact
from idc.tracking.run import MlflowRun
from idc.tracking.store import Store

log = logging.getLogger(__name__)
FOLDER, FILE = "review", "answers.jsonl"
EVERY = 15.0  # seconds between two copies to the run


@dataclass
class Mirrored:
    """A journal whose file is copied to the run every while; see `Journal`.

    Attributes:
        journal: The journal.
        run: Where its copy goes.
    """

    journal: Journal
    run: MlflowRun
    _new: threading.Event = field(default_factory=threading.Event)
    _end: threading.Event = field(default_factory=threading.Event)

    def add(self, answer: Answer) -> None:
        """Keep an answer; it is on the disk when this returns."""
        self.journal.add(answer)
        self._new.set()

    def history(self) -> list[Answer]:
        """All that was said, in order."""
        return self.journal.history()

    def copy(self) -> None:
        """Copy the file to the run; a store that cannot be reached is told of, no more."""
        self._new.clear()
        try:
            self.run.artifacts(self.journal.path, FOLDER)
        except (MlflowException, IdcError, OSError) as error:
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
def mirrored(journal: Journal, run: MlflowRun) -> Iterator[Mirrored]:
    """A journal that is copied to its run while inside, and once more at the end."""
    keeper = Mirrored(journal, run)
    thread = threading.Thread(target=keeper.watch, daemon=True)
    thread.start()
    try:
        yield keeper
    finally:
        keeper.stop()
        thread.join()
        keeper.copy()


def open_journal(root: Path, run_id: str, store: Store, folder: Path) -> Journal:
    """The journal of a run on this machine, with the answers that the run holds besides.

    Args:
        root: ``paths.root``; the journal is below its ``reviews``.
        run_id: The run's id.
        store: Where the run is kept.
        folder: For what has to be downloaded.

    Raises:
        ReviewError: Another process has the journal, or it is damaged.
    """
    journal = Journal(root / "reviews" / run_id / FILE)
    for note in journal.notes:
        log.warning("%s", note)
    known = set(journal.history())
    for answer in _logged(store, run_id, folder):
        # Given on another machine.
        if answer not in known:
            journal.add(answer)
    return journal


def _logged(store: Store, run_id: str, folder: Path) -> list[Answer]:
    try:
        path = fetch_artifact(store, run_id, f"{FOLDER}/{FILE}", folder)
    except IdcError:
        return []
    return read_history(path)
