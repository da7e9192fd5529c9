"""Delivery of journals to a store in the background, with one circuit breaker per store.

Training writes to a journal and continues; the courier's thread delivers the entries in order and
in batches. While a store is unreachable, the thread retries at growing intervals and nothing blocks
on it: code that needs the store (the end of a run, a query) waits for a single try.
"""

import atexit
import logging
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mlflow

from idc.errors import first_line
from idc.tracking.journal import (
    ABANDONED,
    Journal,
    JournalEntry,
    RunIds,
    orphaned_journals,
)
from idc.tracking.journal_delivery import (
    Delivery,
    NotDeliveredError,
    first_batch,
    is_away,
    is_refusal,
    reason,
)
from idc.tracking.privacy import public

log = logging.getLogger(__name__)
LINGER = 0.25  # seconds to collect entries before sending them
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between two tries while the store is unreachable
PATIENCE = 60.0  # seconds without progress after which to stop waiting for a store
SHORT_PATIENCE = 8.0  # the same for a store that was unreachable already
FRESH = 15.0  # seconds after a failed try in which `flush` does not try again
TRIES = 4  # for one entry, while the store answers other calls


class Courier:
    """Delivers the journals of one store; see the module docstring.

    Args:
        uri: The store's tracking URI.
        root: The folder of all journals.

    Attributes:
        trouble: Why the store was unreachable at the last try; None if it was not.
    """

    def __init__(self, uri: str, root: Path) -> None:
        self.uri = uri
        self.root = root
        self.ids = RunIds(root)
        self._client: mlflow.MlflowClient | None = None
        self._changed = threading.Condition()
        self._journals: list[tuple[Journal, bool]] = []  # and whether it is this process's own
        self._thread: threading.Thread | None = None
        self._urgent = False
        self._stopped = False
        self._pause = FIRST_PAUSE
        self._next_try = 0.0
        self._last_failure = 0.0
        self._failures = 0
        self._progress = 0
        self.trouble: str | None = None

    def add(self, journal: Journal, own: bool = True) -> None:
        """Add a journal, whose present and future entries are delivered.

        Args:
            journal: The journal.
            own: Whether this process writes to it; otherwise it was taken over.
        """
        with self._changed:
            self._journals.append((journal, own))
            self._journals.sort(key=lambda pair: pair[0].folder.name)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def take_over(self, again: bool = False) -> list[Journal]:
        """Take over the journals for this store that earlier processes left.

        Args:
            again: Whether to retry entries that the store has refused.

        Returns:
            The journals.
        """
        journals = []
        for journal in orphaned_journals(self.root):
            if journal.about.uri != public(self.uri):
                journal.release()
                continue
            if again:
                journal.retry_refused()
            if journal.about.owner and journal.abandoned:
                journal.append(ABANDONED)
            self.add(journal, own=False)
            journals.append(journal)
        return journals

    def mark_away(self, trouble: str) -> None:
        """Record that the store is unreachable, as seen by the caller."""
        with self._changed:
            self.trouble = trouble
            self._last_failure = time.monotonic()
            self._next_try = self._last_failure + self._pause

    def wake(self) -> None:
        """Notify the thread that a journal has new entries."""
        with self._changed:
            self._changed.notify_all()

    @property
    def away(self) -> bool:
        """Whether the store was unreachable at the last try."""
        return self.trouble is not None

    def flush(self, own: bool = True) -> bool:
        """Wait for delivery; for an unreachable store, one try at most.

        Args:
            own: Wait only for entries that this process wrote; otherwise for taken-over ones too.

        Returns:
            Whether everything is delivered.
        """
        with self._changed:
            if not self._waiting(own):
                return True
            now = time.monotonic()
            if self.away and now - self._last_failure < FRESH:
                return False
            patience = SHORT_PATIENCE if self.away else PATIENCE
            failures, progress, deadline = self._failures, self._progress, now + patience
            self._urgent, self._next_try = True, 0.0
            self._changed.notify_all()
            while self._waiting(own):
                if self._failures > failures or time.monotonic() > deadline:
                    break
                self._changed.wait(1.0)
                if self._progress > progress:
                    progress, deadline = self._progress, time.monotonic() + PATIENCE
            self._urgent = False
            return not self._waiting(own)

    def release(self, journal: Journal) -> None:
        """Close and remove a finished journal if it is fully delivered."""
        with self._changed:
            if not journal.waiting and not journal.refused():
                self._journals = [pair for pair in self._journals if pair[0] is not journal]
                journal.close()

    def undelivered(self) -> list[Journal]:
        """The journals with undelivered or refused entries."""
        with self._changed:
            return [j for j, _ in self._journals if j.waiting or j.refused()]

    def summary(self, journal: Journal) -> str:
        """Why a journal is not fully delivered, in one line."""
        run, uri = journal.about.run, public(self.uri)
        if count := journal.count_waiting():
            why = self.trouble or "the run that it belongs to must be delivered first"
            return f"{count} entries of run {run} are not yet delivered to {uri} ({why})"
        refused = journal.refused()
        return f"{uri} refuses {len(refused)} entries of run {run} ({refused[0]})"

    def stop(self) -> None:
        """End the thread and close all journals; a later process delivers what is left in them."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(1.0)  # a hanging call is abandoned
        with self._changed:
            for journal, _ in self._journals:
                journal.close()
            self._journals = []

    def _waiting(self, own: bool) -> bool:
        return any(journal.waiting for journal, mine in self._journals if mine or not own)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and not self._waiting(own=False):
                    self._changed.wait()
                if not self._stopped and not self._urgent:
                    self._changed.wait_for(lambda: self._urgent or self._stopped, LINGER)
                while not self._stopped and (pause := self._next_try - time.monotonic()) > 0:
                    self._changed.wait(pause)
                if self._stopped:
                    return
                journals = [journal for journal, _ in self._journals]
            for journal in journals:
                try:
                    if not self._deliver_all(journal):
                        break
                except Exception as error:  # of the journal's own disk; the thread must not end
                    self._failed(first_line(error))
                    break

    def _deliver_all(self, journal: Journal) -> bool:
        """Deliver a journal; returns whether the store is still reachable."""
        tries, most = 0, None
        while journal.waiting and not self._stopped:
            batch = first_batch(journal.entries())[:most]
            error = self._attempt(journal, batch)
            if error is None:
                self._done(partial(journal.confirm, batch))
                tries, most = 0, None
            elif isinstance(error, NotDeliveredError):
                self._failed(None)
                return True
            elif is_refusal(error) and len(batch) > 1:
                most = 1  # one by one, to set aside only what is refused
            elif is_refusal(error) or tries == TRIES:
                log.warning("tracking: the store refuses an entry: %s", first_line(error))
                self._done(partial(journal.refuse, batch[0], first_line(error)))
                tries, most = 0, None
            elif is_away(error) or not self._answers(journal):
                self._failed(reason(error))
                return False
            else:
                tries += 1
                time.sleep(2.0**tries * random.uniform(0.2, 0.5))
        return True

    def _attempt(self, journal: Journal, batch: list[JournalEntry]) -> Exception | None:
        try:
            if self._client is None:
                self._client = mlflow.MlflowClient(self.uri)
            Delivery(self._client, journal, self.ids).deliver(batch)
        except Exception as error:  # anything that a store or its artifact storage may raise
            return error
        return None

    def _answers(self, journal: Journal) -> bool:
        try:
            assert self._client is not None
            self._client.get_experiment_by_name(journal.about.experiment)
        except Exception as error:
            return is_refusal(error)
        return True

    def _done(self, note: Callable[[], None]) -> None:
        with self._changed:
            if self._stopped:
                return
            note()
            if self.trouble is not None:
                log.info("tracking: the store answers again")
            self.trouble, self._pause = None, FIRST_PAUSE
            self._progress += 1
            self._changed.notify_all()

    def _failed(self, trouble: str | None) -> None:
        """Postpone the next try; `trouble` is None if the store itself is reachable."""
        with self._changed:
            if trouble is not None and self.trouble is None:
                log.warning(
                    "tracking: the store does not answer (%s); what is logged is kept in %s",
                    trouble,
                    self.root,
                )
            self.trouble = trouble or self.trouble
            self._failures += 1
            self._last_failure = time.monotonic()
            self._next_try = self._last_failure + self._pause * random.uniform(0.5, 1.0)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self._changed.notify_all()


_couriers: dict[tuple[str, Path], Courier] = {}


def courier_of(uri: str, root: Path) -> Courier:
    """This process's courier for a store."""
    if (uri, root) not in _couriers:
        _couriers[uri, root] = Courier(uri, root)
    return _couriers[uri, root]


def stop_courier(uri: str, root: Path) -> None:
    """Stop this process's courier for a store."""
    _couriers.pop((uri, root)).stop()


def flush_all() -> list[str]:
    """Deliver what can be delivered, and stop all couriers.

    Returns:
        One sentence per undelivered journal, for the terminal.
    """
    sentences: list[str] = []
    try:
        for courier in _couriers.values():
            courier.flush()
            sentences += (
                f"{courier.summary(journal)}. Nothing is lost: it is in {journal.folder} and is "
                f"delivered by the next command or by python -m idc.sync."
                for journal in courier.undelivered()
            )
            courier.stop()
    finally:
        _couriers.clear()  # also after Ctrl-C
    return sentences


atexit.register(flush_all)
