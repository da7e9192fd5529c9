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

from idc.errors import TrackingError, first_line
from idc.tracking.privacy import Redactor

Kind = Literal["local", "server", "none"]
LOCK_SECONDS = 120
# Else the UI takes the experiment for one of language models.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True)
class Store:
    """An MLflow store with the experiment that runs go to.

    Attributes:
        uri: The tracking URI.
        experiment_id: The experiment's id.
        redactor: Takes out of what is logged what must not leave the machine.
    """

    uri: str
    experiment_id: str
    redactor: Redactor = field(
        default_factory=lambda: Redactor(True, None, Path()), compare=False, repr=False
    )


def open_store(
    kind: Kind, uri: str | None, experiment: str, mlruns: Path, redactor: Redactor | None = None
) -> Store | None:
    """Make the store and the experiment, if they are not there yet.

    A fresh SQLite store is raced by parallel processes while it migrates its schema, so all of
    this happens under a file lock.

    Args:
        kind: ``local``, ``server`` or ``none``.
        uri: A tracking URI that wins over the embedded store, or None.
        experiment: Name of the experiment.
        mlruns: Folder of the embedded store.
        redactor: For what is logged; absolute paths and the host's name are left out by default.

    Returns:
        The store, or None for ``none``.

    Raises:
        TrackingError: The folder cannot be written, or the store or server does not answer.
    """
    if kind == "none":
        return None
    try:
        mlruns.mkdir(parents=True, exist_ok=True)
        with FileLock(mlruns / ".store.lock", timeout=LOCK_SECONDS):
            store = _open(uri or default_uri(mlruns), experiment, mlruns)
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
    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        client = mlflow.MlflowClient(uri)
        found = client.get_experiment_by_name(experiment)
        if found is None:
            local = uri.startswith("sqlite:")
            place = (mlruns.resolve() / "artifacts").as_uri() if local else None
            made = client.create_experiment(
                experiment, artifact_location=place, tags=EXPERIMENT_TAGS
            )
            return Store(uri, made)
    except MlflowException as error:
        raise TrackingError(
            f"tracking: {uri} cannot be used ({first_line(error)}). Check tracking.uri or "
            f"MLFLOW_TRACKING_URI (a folder is no store: MLflow takes sqlite:///FILE or "
            f"http://HOST), or set tracking=none."
        ) from error
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"tracking.experiment={experiment}: it was deleted in the MLflow UI. Restore it there, "
            f"or choose another name."
        )
    return Store(uri, found.experiment_id)
