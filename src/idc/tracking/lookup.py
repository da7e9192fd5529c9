"""Finding runs and what they left."""

from pathlib import Path

import mlflow
from mlflow.entities import LifecycleStage, Run
from mlflow.exceptions import MlflowException

from idc.errors import CheckpointError, NotHeldError, TrackingError, first_line
from idc.runtime.cluster import JOB_TAG
from idc.tracking.courier import courier_of
from idc.tracking.delivery import NETWORK, PARENT_TAG, is_refusal, reason
from idc.tracking.privacy import public
from idc.tracking.store import Store

MAX_CHILDREN = 10_000
CUT = ("RUNNING", "KILLED")  # the states of runs that were ended from outside
KIND_TAG = "idc.kind"  # of all runs but those of idc.train


def reader(store: Store) -> mlflow.MlflowClient:
    """A client that sees what this process has logged until now.

    Raises:
        TrackingError: The store does not answer.
    """
    courier = courier_of(store.uri, store.journals)
    if not courier.settle() and courier.away:
        raise TrackingError(
            f"tracking: {public(store.uri)} does not answer ({courier.trouble}). Nothing can be "
            f"read from it until it does."
        )
    return mlflow.MlflowClient(store.uri)


def known_id(store: Store, run_id: str) -> str:
    """A run's id in its store, of a provisional one too.

    Raises:
        CheckpointError: It is provisional, and the run has not been delivered yet.
    """
    if (known := courier_of(store.uri, store.journals).ids.resolve(run_id)) is None:
        raise CheckpointError(
            f"run {run_id} waits in {store.journals} for its server: deliver it with "
            f"python -m idc.sync. An id that begins so and was given on another machine is not "
            f"known here; take that of the MLflow UI."
        )
    return known


def find_run(store: Store, run_id: str) -> Run:
    """What the store knows of a run.

    Args:
        store: The store.
        run_id: The run's id, or the provisional one that it had before it was delivered.

    Raises:
        CheckpointError: There is no such run, or it was deleted.
        TrackingError: The store does not answer.
    """
    client = reader(store)
    try:
        found = client.get_run(known_id(store, run_id))
    except MlflowException as error:
        if not is_refusal(error):
            raise TrackingError(f"tracking: {first_line(error)}") from error
        raise CheckpointError(
            f"there is no run {run_id} in this store ({store.uri.split('://')[0]}) and no file of "
            f"that name. Copy the run id from the MLflow UI, or give a checkpoint's path."
        ) from error
    if found.info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise CheckpointError(
            f"run {run_id} ({found.info.run_name}) was deleted in the MLflow UI. Restore it there, "
            f"or choose another run."
        )
    return found


def fetch_artifact(store: Store, run_id: str, name: str, folder: Path) -> Path:
    """Download an artifact of a run.

    Raises:
        NotHeldError: The run has none of that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = reader(store).download_artifacts(known_id(store, run_id), name, str(folder))
    except (MlflowException, OSError) as error:
        if isinstance(error, MlflowException) and NETWORK.search(str(error)):
            raise TrackingError(f"tracking: {name} of run {run_id}: {reason(error)}") from error
        raise NotHeldError(
            f"run {run_id} holds no {name}: it ended before it had one, or "
            f"tracking.log_checkpoints was off."
        ) from error
    return Path(found)


def children(store: Store, parent: str) -> list[Run]:
    """The jobs nested under a sweep, oldest first; not what was made of it later.

    Raises:
        TrackingError: There is no such sweep, or it was deleted.
    """
    try:
        parent = str(find_run(store, parent).info.run_id)
    except CheckpointError as error:
        raise TrackingError(f"sweep.resume={parent}: {error}") from error
    found = reader(store).search_runs(
        [store.experiment_id],
        f"tags.`{PARENT_TAG}` = '{parent}'",
        max_results=MAX_CHILDREN,
        order_by=["attributes.start_time ASC"],
    )
    return [run for run in found if KIND_TAG not in run.data.tags]


def finished_runs(store: Store) -> list[Run]:
    """The finished trainings of the store's experiment, oldest first."""
    found = runs_with_status(store, "FINISHED")
    return [run for run in found if KIND_TAG not in run.data.tags]


def run_of_job(store: Store, job: str | None, kind: str | None) -> str | None:
    """The run that a cluster's job had begun when it was ended, or None.

    Args:
        store: Where it is kept.
        job: The job's number; see `idc.runtime.cluster`.
        kind: Of the run: ``sweep``, or None for a training.
    """
    if job is None:
        return None
    found = reader(store).search_runs(
        [store.experiment_id],
        f"tags.`{JOB_TAG}` = '{job}'",
        order_by=["attributes.start_time DESC"],
    )
    return next(
        (
            str(run.info.run_id)
            for run in found
            if run.info.status in CUT and run.data.tags.get(KIND_TAG) == kind
        ),
        None,
    )


def runs_with_status(store: Store, status: str) -> list[Run]:
    """The runs of the store's experiment, of all kinds, that have a status; oldest first."""
    found = reader(store).search_runs(
        [store.experiment_id],
        f"attributes.status = '{status}'",
        max_results=MAX_CHILDREN,
        order_by=["attributes.start_time ASC"],
    )
    return list(found)


def list_artifacts(store: Store, run_id: str, under: str) -> list[tuple[str, bool]]:
    """What a run holds in a folder: paths, by name, and whether each is a folder itself.

    Raises:
        TrackingError: The store cannot be asked.
    """
    try:
        found = reader(store).list_artifacts(known_id(store, run_id), under)
    except MlflowException as error:
        raise TrackingError(f"tracking: {first_line(error)}") from error
    return sorted((str(item.path), bool(item.is_dir)) for item in found)
