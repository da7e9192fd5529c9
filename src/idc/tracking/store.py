"""Where runs are kept: the embedded store or a server, made ready once, before anybody races."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import mlflow
from filelock import FileLock, Timeout
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from idc.errors import TrackingError
from idc.tracking.courier import courier_of
from idc.tracking.database import check_database
from idc.tracking.delivery import EXPERIMENT_TAGS, is_denied, is_refusal, reason
from idc.tracking.journal import FOLDER
from idc.tracking.privacy import Redactor, public
from idc.tracking.waiting import within

Kind = Literal["local", "server", "none"]
LOCK_SECONDS = 120
ANSWER_SECONDS = 8.0  # for which a server's answer is waited for before it counts as away


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Store:
    """An MLflow store with the experiment that runs go to.

    Attributes:
        uri: The tracking URI.
        experiment_id: The experiment's id; empty as long as the server does not answer.
        redactor: Takes out of what is logged what must not leave the machine.
        experiment: The experiment's name.
        journals: The folder of what is not delivered yet; see `idc.tracking.journal`.
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
        """Whether it is reached over a network, and so may be away for a while."""
        return not self.uri.startswith(("sqlite:", "file:"))


def open_store(
    kind: Kind,
    uri: str | None,
    experiment: str,
    mlruns: Path,
    redactor: Redactor | None = None,
    require: bool = True,
) -> Store | None:
    """Make the store and the experiment, if they are not there yet.

    A fresh SQLite store is raced by parallel processes while it migrates its schema, so all of
    this happens under a file lock. What ended processes could not deliver to the store is
    delivered now, in the background.

    Args:
        kind: ``local``, ``server`` or ``none``.
        uri: A tracking URI that wins over the embedded store, or None.
        experiment: Name of the experiment.
        mlruns: Folder of the embedded store, and of what is not delivered yet.
        redactor: For what is logged; absolute paths and the host's name are left out by default.
        require: Whether a server must answer. Otherwise what is logged waits until it does.

    Returns:
        The store, or None for ``none``.

    Raises:
        TrackingError: The folder cannot be written, the store cannot be used, or the server does
            not answer and must.
    """
    if kind == "none":
        return None
    uri = uri or default_uri(mlruns)
    try:
        mlruns.mkdir(parents=True, exist_ok=True)
        store = _answered(uri, experiment, mlruns, require)
        store = replace(store, experiment=experiment, journals=mlruns.resolve() / FOLDER)
        courier = courier_of(uri, store.journals)
        if store.experiment_id:
            courier.adopt()
        else:
            courier.note_away("it did not answer at the start")
        return store if redactor is None else replace(store, redactor=redactor)
    except Timeout as error:
        raise TrackingError(
            f"tracking: the lock {mlruns / '.store.lock'} has been held for {LOCK_SECONDS} s by "
            f"another process; end it, or remove the file if there is none."
        ) from error
    except OSError as error:
        raise TrackingError(
            f"tracking: cannot write to {mlruns} ({error.strerror or error}). Set paths.mlruns to "
            f"a folder that can be written, MLFLOW_TRACKING_URI to a server, or tracking=none."
        ) from error


def _answered(uri: str, experiment: str, mlruns: Path, require: bool) -> Store:
    """Open a store; one that is away, without its experiment."""
    away = Store(uri, "")
    try:
        if not away.is_server:
            with FileLock(mlruns / ".store.lock", timeout=LOCK_SECONDS):
                if uri.startswith("sqlite:"):
                    check_database(uri)
                return _open(uri, experiment, mlruns)
        return within(ANSWER_SECONDS, lambda: _open(uri, experiment, mlruns))
    except (TimeoutError, MlflowException, SQLAlchemyError) as error:
        why = reason(error)
        if require or not away.is_server or is_refusal(error) or is_denied(error):
            raise TrackingError(
                f"tracking: {public(uri)} cannot be used ({why}). Check tracking.uri or "
                f"MLFLOW_TRACKING_URI (a folder is no store: MLflow takes sqlite:///FILE or "
                f"http://HOST), or set tracking=none."
            ) from error
        log.warning(
            "tracking: %s does not answer (%s). The run goes on; what it logs is kept in %s and is "
            "delivered when the server is back. tracking.require=true would refuse.",
            public(uri),
            why,
            mlruns / FOLDER,
        )
        return away


@contextmanager
def the_store(store: Store | None) -> Iterator[None]:
    """Make a store the one that MLflow uses where it is not told.

    MLflow's models and Lightning's logger set it as a global, which also lands in the environment.
    Left there, it would decide where the next run of this process, or of a child, goes.
    """
    name = "MLFLOW_TRACKING_URI"
    before = os.environ.get(name)
    if store is not None:
        mlflow.set_tracking_uri(store.uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


def default_uri(mlruns: Path) -> str:
    """The embedded store's URI."""
    return sqlite_uri(mlruns.resolve())


def sqlite_uri(mlruns: Path) -> str:
    """The URI of a folder's database.

    SQLAlchemy reads the path as a part of a URL, so what would part it is quoted. The slashes too
    then: MLflow takes the path as it stands and makes its parent folder.
    """
    path = str(mlruns / "mlflow.db")
    return f"sqlite:///{quote(path, safe='') if set('?#%') & set(path) else path}"


def _open(uri: str, experiment: str, mlruns: Path) -> Store:
    # Alembic tells of each of its dozens of migrations when the store is new.
    # What a driver logs of a database's error, and each repetition of a call, is told in one line.
    for name in ("alembic", "mlflow.store.db.utils", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    client = mlflow.MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        local = uri.startswith("sqlite:")
        place = (mlruns.resolve() / "artifacts").as_uri() if local else None
        made = client.create_experiment(experiment, artifact_location=place, tags=EXPERIMENT_TAGS)
        return Store(uri, made)
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"tracking.experiment={experiment}: it was deleted in the MLflow UI. Restore it there, "
            f"or choose another name."
        )
    return Store(uri, found.experiment_id)
