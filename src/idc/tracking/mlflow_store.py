"""The MLflow store, embedded or on a server, created once even by parallel processes."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import mlflow
from filelock import FileLock, Timeout
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from idc.errors import TrackingError
from idc.tracking.courier import courier_of
from idc.tracking.database import LOCK, check_database, sqlite_uri
from idc.tracking.journal import FOLDER
from idc.tracking.journal_delivery import EXPERIMENT_TAGS, is_denied, is_refusal, reason
from idc.tracking.privacy import Redactor, public
from idc.tracking.saved_view import ensure_view
from idc.tracking.waiting import within

Kind = Literal["local", "server", "none"]
LOCK_SECONDS = 120
ANSWER_SECONDS = 8.0  # without an answer, after which a server counts as unreachable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MlflowStore:
    """An MLflow store and the experiment for new runs.

    Attributes:
        uri: The tracking URI.
        experiment_id: The experiment's id; empty while the server is unreachable.
        redactor: Removes private information from whatever is logged.
        experiment: The experiment's name.
        journals: Folder of data not delivered yet; see `idc.tracking.journal`.
    """

    uri: str
    experiment_id: str
    redactor: Redactor = field(
        default_factory=lambda: Redactor(True, None, Path()), compare=False, repr=False
    )
    experiment: str = ""
    journals: Path = Path()

    @property
    def is_server(self) -> bool:
        """Whether the store is on a network, and so may be unreachable for a while."""
        return not self.uri.startswith(("sqlite:", "file:"))


def open_store(
    kind: Kind,
    uri: str | None,
    experiment: str,
    mlruns: Path,
    redactor: Redactor | None = None,
    require: bool = True,
) -> MlflowStore | None:
    """Open the store, creating it and the experiment if necessary.

    Parallel processes would race while a new SQLite store migrates its schema, so this is done
    under a file lock. Data that earlier processes could not deliver to the store are delivered now,
    in the background.

    Args:
        kind: ``local``, ``server`` or ``none``.
        uri: A tracking URI that takes precedence over the embedded store, or None.
        experiment: Name of the experiment.
        mlruns: Folder of the embedded store and of undelivered data.
        redactor: Applied to whatever is logged; by default it removes absolute paths and the host
            name.
        require: Whether a server must be reachable. Otherwise logged data wait until it is.

    Returns:
        The store, or None for ``none``.

    Raises:
        TrackingError: The folder cannot be written, the store cannot be used, or a required server
            is unreachable.
    """
    if kind == "none":
        return None
    uri = uri or sqlite_uri(mlruns.resolve())
    try:
        mlruns.mkdir(parents=True, exist_ok=True)
        store = _connect(uri, experiment, mlruns, require)
        store = replace(store, experiment=experiment, journals=mlruns.resolve() / FOLDER)
        courier = courier_of(uri, store.journals)
        if store.experiment_id:
            courier.take_over()
        else:
            courier.mark_away("no answer at the start")
        return store if redactor is None else replace(store, redactor=redactor)
    except Timeout as error:
        raise TrackingError(
            f"tracking: the lock {mlruns / LOCK} has been held for {LOCK_SECONDS} s by "
            f"another process; end it, or remove the file if there is none."
        ) from error
    except OSError as error:
        raise TrackingError(
            f"tracking: cannot write to {mlruns} ({error.strerror or error}). Set paths.mlruns to "
            f"a folder that can be written, MLFLOW_TRACKING_URI to a server, or tracking=none."
        ) from error


def _connect(uri: str, experiment: str, mlruns: Path, require: bool) -> MlflowStore:
    """Open a store; an unreachable one is returned without its experiment."""
    unreachable = MlflowStore(uri, "")
    try:
        if not unreachable.is_server:
            with FileLock(mlruns / LOCK, timeout=LOCK_SECONDS):
                if uri.startswith("sqlite:"):
                    check_database(uri)
                return _open(uri, experiment, mlruns)
        return within(ANSWER_SECONDS, lambda: _open(uri, experiment, mlruns))
    except (TimeoutError, MlflowException, SQLAlchemyError) as error:
        why = reason(error)
        if require or not unreachable.is_server or is_refusal(error) or is_denied(error):
            raise TrackingError(
                f"tracking: {public(uri)} cannot be used ({why}). Check tracking.uri or "
                f"MLFLOW_TRACKING_URI (a folder is not a store: MLflow needs sqlite:///FILE or "
                f"http://HOST), or set tracking=none."
            ) from error
        log.warning(
            "tracking: %s does not answer (%s). The run continues; what it logs is kept in %s and "
            "is delivered when the server is back. Set tracking.require=true to stop instead.",
            public(uri),
            why,
            mlruns / FOLDER,
        )
        return unreachable


@contextmanager
def restored_tracking_uri() -> Iterator[None]:
    """Restore MLflow's global tracking URI at the end.

    Lightning's MLFlowLogger, which a user may add, sets it, also in the environment. Left there, it
    would decide where the next run of this process, or of a child process, is logged.
    """
    name = "MLFLOW_TRACKING_URI"
    before = os.environ.get(name)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


def _open(uri: str, experiment: str, mlruns: Path) -> MlflowStore:
    # Alembic logs each of its dozens of migrations of a new store; the others log errors and
    # retries, which we report in one line.
    for name in ("alembic", "mlflow.store.db.utils", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    client = mlflow.MlflowClient(uri)
    existing = client.get_experiment_by_name(experiment)
    if existing is None:
        local = uri.startswith("sqlite:")
        place = (mlruns.resolve() / "artifacts").as_uri() if local else None
        created = client.create_experiment(
            experiment, artifact_location=place, tags=EXPERIMENT_TAGS
        )
        return MlflowStore(uri, created)
    if existing.lifecycle_stage == "deleted":
        raise TrackingError(
            f"tracking.experiment={experiment}: it was deleted in the MLflow UI. Restore it there, "
            f"or choose another name."
        )
    ensure_view(client, existing)
    return MlflowStore(uri, existing.experiment_id)
