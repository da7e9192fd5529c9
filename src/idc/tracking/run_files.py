"""Reading a run's file, verified: from its folder on this machine, else from its artifacts."""

from pathlib import Path

from idc.config.build import Config
from idc.errors import MissingArtifactError
from idc.tracking.entities import RunRecord
from idc.tracking.integrity import check_file
from idc.tracking.local_paths import run_folder
from idc.tracking.lookup import fetch_artifact
from idc.tracking.mlflow_store import MlflowStore


def own_file(
    store: MlflowStore, record: RunRecord, own: Path | None, name: str, folder: Path
) -> Path:
    """A run's file, verified: from its own folder `own` if it is there, else from its artifacts."""
    run_id, tags = str(record.info.run_id), record.data.tags
    if own is not None and (own / name).is_file():
        return check_file(own / name, name, tags, f"run={run_id}")
    try:
        path = fetch_artifact(store, run_id, name, folder)
    except MissingArtifactError as error:
        raise MissingArtifactError(
            f"run={run_id}: it has no {name}, and its folder is not on this machine. Runs log "
            f"their checkpoints unless tracking.log_checkpoints=false."
        ) from error
    return check_file(path, name, tags, f"run={run_id}")


def run_file(store: MlflowStore, record: RunRecord, now: Config, name: str, folder: Path) -> Path:
    """A run's file: from its own folder if that is on this machine, else from its artifacts.

    Args:
        store: The MLflow store.
        record: The run's record in the store.
        now: The current configuration, for the paths of this machine.
        name: The file's path within the run.
        folder: The folder to download to.

    Raises:
        CheckpointError: The run has no file of that name, or it is damaged.
    """
    run_id = str(record.info.run_id)
    own = run_folder(run_id, record.data.tags, now)
    return own_file(store, record, own, name, folder / run_id)
