"""Queries for runs and their artifacts."""

import tempfile
from pathlib import Path

import mlflow
from mlflow.entities import LifecycleStage, Run
from mlflow.exceptions import MlflowException

from idc.errors import CheckpointError, MissingArtifactError, TrackingError, first_line
from idc.runtime.cluster import JOB_TAG
from idc.tracking.courier import courier_of
from idc.tracking.journal_delivery import NETWORK, PARENT_TAG, is_refusal, reason
from idc.tracking.metric_table import FOLDER, read_table
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.privacy import public

MAX_RUNS = 10_000
CUT = ("RUNNING", "KILLED")  # status of runs that were killed
KIND_TAG = "idc.kind"  # of all runs but those of idc.train


def reader(store: MlflowStore) -> mlflow.MlflowClient:
    """A client that sees everything that this process has logged so far.

    Raises:
        TrackingError: The store is unreachable.
    """
    courier = courier_of(store.uri, store.journals)
    if not courier.flush() and courier.away:
        raise TrackingError(
            f"tracking: {public(store.uri)} does not answer ({courier.trouble}), so no run can be "
            f"read from it. Check that the server is running, then try again."
        )
    return mlflow.MlflowClient(store.uri)


def resolve_run_id(store: MlflowStore, run_id: str) -> str:
    """Resolve a run id, which may be provisional, to the id in the store.

    Raises:
        CheckpointError: The id is provisional and the run has not been delivered yet.
    """
    if (resolved := courier_of(store.uri, store.journals).ids.resolve(run_id)) is None:
        raise CheckpointError(
            f"run {run_id} has not been delivered to its server yet: it is in {store.journals}; "
            f"deliver it with python -m idc.sync. A provisional id from another machine is not "
            f"valid here: use the id in the MLflow UI."
        )
    return resolved


def find_run(store: MlflowStore, run_id: str) -> Run:
    """A run's record in the store.

    Args:
        store: The store.
        run_id: The run's id, or the provisional one that it had before it was delivered.

    Raises:
        CheckpointError: There is no such run, or it was deleted.
        TrackingError: The store is unreachable.
    """
    client = reader(store)
    try:
        run = client.get_run(resolve_run_id(store, run_id))
    except MlflowException as error:
        if not is_refusal(error):
            raise TrackingError(f"tracking: {first_line(error)}") from error
        raise CheckpointError(
            f"there is no run {run_id} in this store ({store.uri.split('://')[0]}) and no file of "
            f"that name. Copy the run id from the MLflow UI, or give a checkpoint's path."
        ) from error
    if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise CheckpointError(
            f"run {run_id} ({run.info.run_name}) was deleted in the MLflow UI. Restore it there, "
            f"or choose another run."
        )
    return run


def fetch_artifact(store: MlflowStore, run_id: str, name: str, folder: Path) -> Path:
    """Download an artifact of a run.

    Raises:
        MissingArtifactError: The run has no artifact of that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        path = reader(store).download_artifacts(resolve_run_id(store, run_id), name, str(folder))
    except (MlflowException, OSError) as error:
        if isinstance(error, MlflowException) and NETWORK.search(str(error)):
            raise TrackingError(f"tracking: {name} of run {run_id}: {reason(error)}") from error
        raise MissingArtifactError(
            f"run {run_id} has no {name}: it ended before it logged one, or "
            f"tracking.log_checkpoints was false."
        ) from error
    return Path(path)


def all_metrics(store: MlflowStore, record: Run) -> dict[str, float]:
    """All metrics of a run: MLflow's own, and those of its tables.

    Args:
        store: The store.
        record: The run; one that older code logged has no table, and all metrics in MLflow.

    Raises:
        CheckpointError: A table is damaged.
        TrackingError: The store is unreachable.
    """
    values, run_id = dict(record.data.metrics), str(record.info.run_id)
    with tempfile.TemporaryDirectory() as folder:
        for name, _ in list_artifacts(store, run_id, FOLDER):
            values |= read_table(fetch_artifact(store, run_id, name, Path(folder)))
    return values


def children(store: MlflowStore, parent: str) -> list[Run]:
    """The jobs nested under a sweep, oldest first, without later evaluations or comparisons.

    Raises:
        TrackingError: There is no such sweep, or it was deleted.
    """
    try:
        parent = str(find_run(store, parent).info.run_id)
    except CheckpointError as error:
        raise TrackingError(f"sweep.resume={parent}: {error}") from error
    return [run for run in _runs(store, f"tags.`{PARENT_TAG}` = '{parent}'") if _is_training(run)]


def finished_runs(store: MlflowStore) -> list[Run]:
    """The finished training runs of the store's experiment, oldest first."""
    return [run for run in runs_with_status(store, "FINISHED") if _is_training(run)]


def run_of_job(store: MlflowStore, job: str | None, kind: str | None) -> str | None:
    """Id of the run that a cluster job had begun when it was killed, or None.

    Args:
        store: The store.
        job: The job's id; see `idc.runtime.cluster`.
        kind: Kind of run: ``sweep``, or None for a training.
    """
    if job is None:
        return None
    ids = [
        str(run.info.run_id)
        for run in _runs(store, f"tags.`{JOB_TAG}` = '{job}'")
        if run.info.status in CUT and run.data.tags.get(KIND_TAG) == kind
    ]
    return ids[-1] if ids else None


def runs_with_status(store: MlflowStore, status: str) -> list[Run]:
    """Runs of all kinds in the store's experiment with a given status, oldest first."""
    return _runs(store, f"attributes.status = '{status}'")


def _runs(store: MlflowStore, which: str) -> list[Run]:
    oldest_first = ["attributes.start_time ASC"]
    client = reader(store)
    return list(client.search_runs([store.experiment_id], which, 1, MAX_RUNS, oldest_first))


def _is_training(run: Run) -> bool:
    """Whether it is a training that was, or will be, tested: no pruned trial of a search."""
    return KIND_TAG not in run.data.tags and run.data.tags.get("optuna.state") != "PRUNED"


def list_artifacts(store: MlflowStore, run_id: str, under: str) -> list[tuple[str, bool]]:
    """List a folder of a run's artifacts: sorted paths, and whether each is a folder.

    Raises:
        TrackingError: The store is unreachable.
    """
    try:
        artifacts = reader(store).list_artifacts(resolve_run_id(store, run_id), under)
    except MlflowException as error:
        raise TrackingError(f"tracking: {first_line(error)}") from error
    return sorted((str(item.path), bool(item.is_dir)) for item in artifacts)
