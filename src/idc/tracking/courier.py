"""One thread a store that delivers journals, and one circuit breaker for all that it sends.

Training writes to a journal and goes on. The courier follows in order and in batches. While a
store does not answer it waits, longer each time, and nobody waits for it: whoever needs the store
(the end of a run, a reader) lets it try once and is told at once how that went.
"""

import atexit
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import mlflow

from idc.errors import first_line
from idc.tracking.delivery import (
    Delivery,
    NotDeliveredError,
    first_batch,
    is_away,
    is_refusal,
    reason,
)
from idc.tracking.journal import ABANDONED, Entry, Journal, RunIds, count_in_use, left_behind
from idc.tracking.privacy import public

log = logging.getLogger(__name__)
LINGER = 0.25  # seconds that entries are collected before they are sent
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between two tries while the store is away
PATIENCE = 60.0  # seconds without any progress after which nobody waits for a store any longer
SHORT_PATIENCE = 8.0  # the same for one that was away already
FRESH = 15.0  # seconds for which a failed try need not be repeated for whoever asks
TRIES = 4  # of one entry, by a store that answers otherwise


class Courier:
    """Delivers the journals of one store; see the module.

    Args:
        uri: The store's tracking URI.
        root: The folder of all journals.
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

    def carry(self, journal: Journal, own: bool = True) -> None:
        """Deliver what is and comes into a journal.

        Args:
            journal: The journal.
            own: Whether this process writes to it, rather than having taken it over.
        """
        with self._changed:
            self._journals.append((journal, own))
            self._journals.sort(key=lambda pair: pair[0].folder.name)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def adopt(self, again: bool = False) -> list[Journal]:
        """Deliver what ended processes have left for this store, too.

        Args:
            again: Whether what the store has refused is tried once more.

        Returns:
            The journals.
        """
        taken = []
        for journal in left_behind(self.root):
            if journal.about.uri != public(self.uri):
                journal.leave()
                continue
            if again:
                journal.retry_refused()
            if journal.about.owner and journal.abandoned:
                journal.append(ABANDONED)
            self.carry(journal, own=False)
            taken.append(journal)
        return taken

    def note_away(self, trouble: str) -> None:
        """Take it from whoever tried that the store does not answer."""
        with self._changed:
            self.trouble = trouble
            self._last_failure = time.monotonic()
            self._next_try = self._last_failure + self._pause

    def hurry(self) -> None:
        """Say that a journal has something new."""
        with self._changed:
            self._changed.notify_all()

    @property
    def away(self) -> bool:
        """Whether the store did not answer when it was last tried."""
        return self.trouble is not None

    def settle(self, own: bool = True) -> bool:
        """Wait until what this process wrote is delivered; hardly for a store that is away.

        Args:
            own: Only what this process wrote; otherwise what it took over too.

        Returns:
            Whether all is delivered.
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
        """Close a journal to which nothing more is written, and forget it if it is delivered."""
        with self._changed:
            if not journal.waiting and not journal.refused():
                self._journals = [pair for pair in self._journals if pair[0] is not journal]
                journal.close()

    def left(self) -> list[Journal]:
        """The journals that are not wholly delivered, or had something refused."""
        with self._changed:
            return [j for j, _ in self._journals if j.waiting or j.refused()]

    def stop(self) -> None:
        """End the thread and close all journals; what is left in them is for another process."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(1.0)  # not for a call that hangs
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
                except Exception as error:  # the journal's own disk; the thread must not end
                    self._failed(first_line(error))
                    break

    def _deliver_all(self, journal: Journal) -> bool:
        """Deliver a journal; whether the store still answers."""
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
                most = 1  # one by one, to refuse no more than must be
            elif is_refusal(error) or tries == TRIES:
                log.warning("tracking: the store refuses a part: %s", first_line(error))
                self._done(partial(journal.refuse, batch[0], first_line(error)))
                tries, most = 0, None
            elif is_away(error) or not self._answers(journal):
                self._failed(reason(error))
                return False
            else:
                tries += 1
                time.sleep(2.0**tries * random.uniform(0.2, 0.5))
        return True

    def _attempt(self, journal: Journal, batch: list[Entry]) -> Exception | None:
        try:
            if self._client is None:
                self._client = mlflow.MlflowClient(self.uri)
            Delivery(self._client, journal, self.ids).deliver(batch)
        except Exception as error:  # whatever a store or the place of its artifacts may raise
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
        """Wait with the next try; without a trouble it is not the store that is waited for."""
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
    """The process's courier for a store."""
    if (uri, root) not in _couriers:
        _couriers[uri, root] = Courier(uri, root)
    return _couriers[uri, root]


def settle_all() -> list[str]:
    """Deliver what can be delivered, and end.

    Returns:
        What is left and what to do with it, a sentence each, for the terminal.
    """
    sentences: list[str] = []
    try:
        for courier in _couriers.values():
            courier.settle()
            sentences += (
                f"{_words(courier, journal)}. Nothing is lost: it is in {journal.folder}, and is "
                f"delivered by the next command or by python -m idc.sync."
                for journal in courier.left()
            )
            courier.stop()
    finally:
        _couriers.clear()  # also when the user will not wait
    return sentences


atexit.register(settle_all)


@dataclass
class Report:
    """What became of journals that were left.

    Attributes:
        delivered: Run ids to the number of entries that arrived.
        problems: What is still left, and why, a line each.
        in_use: Journals that running processes write to.
    """

    delivered: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    in_use: int = 0


def deliver_left(root: Path, uri: str | None) -> Report:
    """Deliver all journals that no process has open, each to the store that it was meant for.

    Args:
        root: The folder of all journals.
        uri: The tracking URI that is configured: it may hold a password, which no journal does.
    """
    report = Report()
    stores = {uri} if uri else set()
    for journal in left_behind(root):
        about = journal.about
        if about.uri not in {public(known) for known in stores} and not about.secret:
            stores.add(about.uri)
        elif about.uri not in {public(known) for known in stores}:
            report.problems.append(
                f"run {about.run}: {about.uri} needs a user and a password, which are not kept. "
                f"Set MLFLOW_TRACKING_URI as it was for the run."
            )
        journal.leave()
    for store in sorted(stores):
        courier = courier_of(store, root)
        journals = courier.adopt(again=True)
        before = [journal.count_waiting() for journal in journals]
        courier.settle(own=False)
        for journal, count in zip(journals, before, strict=True):
            left = journal.count_waiting()
            run_id = courier.ids.resolve(journal.about.run) or journal.about.run
            if count > left:
                report.delivered[run_id] = report.delivered.get(run_id, 0) + count - left
            if left or journal.refused():
                report.problems.append(_words(courier, journal))
        courier.stop()
        del _couriers[store, root]
    report.in_use = count_in_use(root)
    return report


def _words(courier: Courier, journal: Journal) -> str:
    run, uri = journal.about.run, public(courier.uri)
    if count := journal.count_waiting():
        why = courier.trouble or "something that it belongs to must be delivered first"
        return f"{count} entries of run {run} wait for {uri} ({why})"
    refused = journal.refused()
    return f"{uri} refuses {len(refused)} entries of run {run} ({refused[0]})"
