"""A run from its opening to FINISHED, FAILED or KILLED, whatever happens in between."""

import errno
import logging
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from idc.config.build import Config
from idc.errors import IdcError, TrackingError, first_line
from idc.runtime import signals
from idc.runtime.outcome import Outcome, load_outcome
from idc.runtime.redaction import redact
from idc.tracking.alive import heartbeat
from idc.tracking.entities import StoreException
from idc.tracking.journal_delivery import ERROR_TAG
from idc.tracking.mlflow_run import NOTE_TAG, MlflowRun
from idc.tracking.mlflow_store import MlflowStore, open_store
from idc.tracking.privacy import Pseudonyms, Redactor
from idc.tracking.run_protocol import Run, Status

log = logging.getLogger(__name__)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
LOG_FILE = "console.log"
STOPPED = "stopped by the user"
# By the machine or a cluster: the process could not record it itself.
ENDED_FROM_OUTSIDE = "the job's process was ended from outside: out of memory, or a time limit?"


def configured_store(config: Config, reads: bool = True) -> MlflowStore | None:
    """Open the configured MLflow store; None without tracking.

    Args:
        config: The configuration.
        reads: Whether something is read from it, so that a server must answer; what is only
            written can wait, unless ``tracking.require`` is set.

    Raises:
        TrackingError: It cannot be used.
    """
    tracking, mlruns = config["tracking"], Path(config["paths"]["mlruns"])
    experiment, require = str(tracking["experiment"]), reads or bool(tracking["require"])
    redactor = build_redactor(config)
    return open_store(tracking["kind"], tracking["uri"], experiment, mlruns, redactor, require)


def build_redactor(config: Config) -> Redactor:
    """The redactor of a run's texts.

    Raises:
        ConfigError: Patients are to have pseudonyms and there is no key.
    """
    tracking = config["tracking"]
    hides = Pseudonyms.from_environment() if tracking["pseudonymise"] else None
    return Redactor(not tracking["log_paths"], hides, Path(config["paths"]["root"]))


@contextmanager
def lifecycle(run: Run, outcome: Outcome, folder: Path, log_name: str) -> Iterator[None]:
    """Keep a run's status, in MLflow and in its folder, up to date until it ends.

    The outcome is written to the folder at the start and at the end.

    Raises:
        KeyboardInterrupt: The process was stopped, by Ctrl-C or a signal.
        TrackingError: In place of an error that says that the disk is full or read-only.
    """
    try:
        outcome.save(folder)
        with heartbeat(run):
            yield
    except KeyboardInterrupt as stop:
        _close(run, outcome, folder, log_name, "KILLED", str(stop) or STOPPED)
        raise
    except BaseException as error:
        if signals.received() is not None:  # its workers, or other ranks, got the signal too
            _close(run, outcome, folder, log_name, "KILLED", first_line(error))
            signals.check()
        cause = _as_tracking_error(error, folder)
        _close(run, outcome, folder, log_name, "FAILED", first_line(cause or error))
        if cause is not None:
            raise cause from error
        raise
    _close(run, outcome, folder, log_name, "FINISHED", None)
    signals.check()


@contextmanager
def owning(folder: Path, outcome: Outcome) -> Iterator[None]:
    """Mark a folder as that of a command which adds to a run and leaves the run's status alone."""
    outcome.save(folder)
    try:
        yield
        outcome.status = "FINISHED"
    except BaseException as error:
        outcome.status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        outcome.error = first_line(error)
        raise
    finally:
        outcome.save(folder)


def close_for(
    store: MlflowStore | None, outcome: Outcome, folder: Path, status: Status, reason: str
) -> None:
    """Close, and save as ended, a run whose own process was ended before it could do so."""
    run: Run = Run()
    if store is not None and outcome.run_id is not None:
        run = MlflowRun(store, outcome.run_id)
    _close(run, outcome, folder, LOG_FILE, status, reason)


def mark_ended(folder: Path) -> None:
    """Record in a run's earlier folder that its process was ended from outside."""
    outcome = load_outcome(folder)
    if outcome is not None and outcome.status == "RUNNING":
        outcome.status, outcome.error = "KILLED", ENDED_FROM_OUTSIDE
        outcome.save(folder)


def _as_tracking_error(error: BaseException, folder: Path) -> TrackingError | None:
    if isinstance(error, OSError) and error.errno in FULL:
        where = error.filename or folder
        return TrackingError(
            f"cannot write {where}: {error.strerror}. Free some space or set paths.root to another "
            f"disk; what was logged until now is kept, and resume=RUN_ID goes on from it."
        )
    if isinstance(error, StoreException):
        return TrackingError(f"MLflow: {first_line(error)}")
    return None


@signals.uninterrupted()  # a run that is half closed would be RUNNING for ever
def _close(
    run: Run, outcome: Outcome, folder: Path, log_name: str, status: Status, reason: str | None
) -> None:
    """Log console, traceback and status; nothing here may hide the first error."""
    outcome.status = status
    # A sweep shows its jobs' errors too.
    outcome.error = reason and (run.store.redactor.text(reason) if run.store else redact(reason))
    steps: list[Callable[[], object]] = []
    if reason:
        steps += [lambda: run.tags({NOTE_TAG: f"**{status.capitalize()}:** {reason}"})]
    if status == "FAILED":
        # The app prints it, once; the logged console is to hold it too.
        steps += [lambda: _add_to_console(folder, f"the run failed: {redact(str(reason))}")]
        steps += [lambda: run.tags({ERROR_TAG: reason})]
    if status == "FAILED" and sys.exc_info()[0] is not None:
        trace, path = redact(traceback.format_exc()), folder / "traceback.txt"
        steps += [lambda: path.write_text(trace, encoding="utf-8"), lambda: run.artifacts(path)]
    steps += [
        lambda: _keep_console(run, folder, log_name),
        lambda: outcome.save(folder),
        lambda: run.end(status),
        lambda: _keep_id(run, outcome, folder),
    ]
    # One by one: a full disk must not keep a store on another disk from recording the end.
    unrecorded = [error for step in steps if (error := _attempt(step)) is not None]
    if unrecorded and status == "FINISHED":
        raise TrackingError(
            f"the run is done, but its end could not be recorded: {unrecorded[0]}. Its files are "
            f"in {folder}."
        )


def _attempt(step: Callable[[], object]) -> Exception | None:
    try:
        step()
    except (OSError, StoreException, IdcError) as error:
        log.error("could not record the end of the run: %s", first_line(error))
        return error
    return None


def _keep_id(run: Run, outcome: Outcome, folder: Path) -> None:
    """Save the run's id anew: if its server was away at the start, it has another one now."""
    if run.run_id != outcome.run_id:
        outcome.run_id = run.run_id
        outcome.save(folder)


def _add_to_console(folder: Path, line: str) -> None:
    if (folder / LOG_FILE).is_file():
        with (folder / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def _keep_console(run: Run, folder: Path, log_name: str) -> None:
    logged = folder / LOG_FILE
    if logged.is_file():
        if log_name != LOG_FILE:
            logged = logged.rename(folder / log_name)
        run.artifacts(logged)


@contextmanager
def lightning_interrupts() -> Iterator[None]:
    """Lightning turns Ctrl-C into SystemExit and then ignores further ones; undo both."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:  # its SIGTERMException too: the whole sweep shall end
        signals.check()
        raise KeyboardInterrupt from error
    finally:
        signal.signal(signal.SIGINT, before)
