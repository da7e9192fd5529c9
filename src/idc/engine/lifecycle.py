"""A run from its opening to FINISHED, FAILED or KILLED, whatever happens in between."""

import errno
import logging
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow.exceptions import MlflowException
from pytorch_lightning.utilities.exceptions import SIGTERMException

from idc.engine.outcome import Outcome
from idc.errors import IdcError, TrackingError
from idc.tracking.run import Run

log = logging.getLogger(__name__)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
LOG_FILE = "console.log"


@contextmanager
def lifecycle(run: Run, outcome: Outcome, folder: Path, log_name: str) -> Iterator[None]:
    """Keep `outcome` and the run's status true.

    Args:
        run: The run, open.
        outcome: Written to `folder` at the start and at the end.
        folder: The run's folder.
        log_name: The console log's name among the artifacts.

    Raises:
        KeyboardInterrupt: Also in place of the SystemExit that Lightning makes of it.
        TrackingError: In place of an error that says that the disk is full or read-only.
    """
    outcome.save(folder)
    try:
        yield
    except (KeyboardInterrupt, SIGTERMException):
        _close(run, outcome, folder, log_name, "KILLED", "stopped by the user")
        raise
    except BaseException as error:
        cause = _as_tracking_error(error, folder)
        _close(run, outcome, folder, log_name, "FAILED", str(cause or error))
        if cause is not None:
            raise cause from error
        raise
    _close(run, outcome, folder, log_name, "FINISHED", None)


def _as_tracking_error(error: BaseException, folder: Path) -> TrackingError | None:
    if isinstance(error, OSError) and error.errno in FULL:
        where = error.filename or folder
        return TrackingError(
            f"cannot write {where}: {error.strerror}. Free some space or set paths.root to another "
            f"disk; what was logged until now is kept, and resume=RUN_ID goes on from it."
        )
    if isinstance(error, MlflowException):
        return TrackingError(f"MLflow: {str(error).strip().splitlines()[0][:300]}")
    return None


def _close(
    run: Run,
    outcome: Outcome,
    folder: Path,
    log_name: str,
    status: str,
    reason: str | None,
) -> None:
    """Leave the log, the traceback and the status; nothing here may hide the first error."""
    assert status in ("FINISHED", "FAILED", "KILLED")
    outcome.status = status  # type: ignore[assignment]
    outcome.error = reason.strip().splitlines()[0] if reason else None
    if status == "FAILED":
        log.error("the run failed: %s", outcome.error)
    try:
        if status == "FAILED":
            path = folder / "traceback.txt"
            path.write_text(traceback.format_exc())
            run.artifacts(path)
            run.tags({"idc.error": outcome.error})
        logged = folder / LOG_FILE
        if logged.is_file():
            if log_name != LOG_FILE:
                logged = logged.rename(folder / log_name)
            run.artifacts(logged)
        outcome.save(folder)
        run.end(outcome.status)  # type: ignore[arg-type]
    except (OSError, MlflowException, IdcError):
        log.exception("could not record the end of the run")


@contextmanager
def lightning_interrupts() -> Iterator[None]:
    """Lightning turns Ctrl-C into SystemExit and then ignores further ones; undo both."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SIGTERMException:
        raise
    except SystemExit as error:
        raise KeyboardInterrupt from error
    finally:
        signal.signal(signal.SIGINT, before)
