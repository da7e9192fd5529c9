"""Finding runs and what they left."""

from pathlib import Path

import mlflow
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from idc.errors import CheckpointError, NotHeldError, TrackingError, first_line
from idc.tracking.run import PARENT_TAG
from idc.tracking.store import Store

MAX_CHILDREN = 10_000
KIND_TAG = "idc.kind"  # of all runs but those of idc.train


def find_run(store: Store, run_id: str) -> Run:
    """What the store knows of a run.

    Raises:
        CheckpointError: There is no such run.
    """
    try:
        return mlflow.MlflowClient(store.uri).get_run(run_id)
    except MlflowException as error:
        raise CheckpointError(
            f"there is no run {run_id} in this store ({store.uri.split('://')[0]}) and no file of "
            f"that name. Copy the run id from the MLflow UI, or give a checkpoint's path."
        ) from error


def fetch_artifact(store: Store, run_id: str, name: str, folder: Path) -> Path:
    """Download an artifact of a run.

    Raises:
        NotHeldError: The run has none of that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = mlflow.MlflowClient(store.uri).download_artifacts(run_id, name, str(folder))
    except (MlflowException, OSError) as error:
        raise NotHeldError(
            f"run {run_id} holds no {name}: it ended before it had one, or "
            f"tracking.log_checkpoints was off."
        ) from error
    return Path(found)


def children(store: Store, parent: str) -> list[Run]:
    """The jobs nested under a sweep, oldest first; not what was made of it later.

    Raises:
        TrackingError: There is no such sweep.
    """
    client = mlflow.MlflowClient(store.uri)
    try:
        client.get_run(parent)
    except MlflowException as error:
        raise TrackingError(
            f"sweep.resume={parent}: there is no such run in this store."
        ) from error
    found = client.search_runs(
        [store.experiment_id],
        f"tags.`{PARENT_TAG}` = '{parent}'",
        max_results=MAX_CHILDREN,
        order_by=["attributes.start_time ASC"],
    )
    return [run for run in found if KIND_TAG not in run.data.tags]


def finished_runs(store: Store) -> list[Run]:
    """The finished trainings of the store's experiment, oldest first."""
    found = mlflow.MlflowClient(store.uri).search_runs(
        [store.experiment_id],
        "attributes.status = 'FINISHED'",
        max_results=MAX_CHILDREN,
        order_by=["attributes.start_time ASC"],
    )
    return [run for run in found if KIND_TAG not in run.data.tags]


def list_artifacts(store: Store, run_id: str, under: str) -> list[tuple[str, bool]]:
    """What a run holds in a folder: paths, by name, and whether each is a folder itself.

    Raises:
        TrackingError: The store cannot be asked.
    """
    try:
        found = mlflow.MlflowClient(store.uri).list_artifacts(run_id, under)
    except MlflowException as error:
        raise TrackingError(f"tracking: {first_line(error)}") from error
    return sorted((str(item.path), bool(item.is_dir)) for item in found)
