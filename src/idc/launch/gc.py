"""Stale runs: which are RUNNING without a process, and their closing."""

from datetime import datetime
from pathlib import Path

from rich.table import Table

from idc.config.build import Config
from idc.errors import BusyError, ConfigError
from idc.launch.commands import task
from idc.launch.table import wide_console
from idc.pipelines.lifecycle import ENDED_FROM_OUTSIDE, close_for, configured_store
from idc.runtime.outcome import Outcome, load_outcome
from idc.tracking.alive import liveness_of, locked
from idc.tracking.entities import RunRecord
from idc.tracking.local_paths import run_folder
from idc.tracking.lookup import KIND_TAG, runs_with_status
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore


@task
def run(config: Config, folder: Path) -> None:
    """List, and close if the configuration says so."""
    store = configured_store(config)
    if store is None:
        raise ConfigError("tracking=none: there are no runs to look at.")
    table, stale = _look(config, store)
    console = wide_console()
    if table.row_count:
        console.print(table)
    closed = "closed" if config["apply"] else "stale; apply=true closes them"
    console.print(f"{table.row_count} running, {stale} {closed}")


def _look(config: Config, store: MlflowStore) -> tuple[Table, int]:
    mlruns = Path(config["paths"]["mlruns"])
    table = Table(title="runs that are RUNNING", title_justify="left")
    table.add_column("run", no_wrap=True)
    for heading in ("kind", "name", "started", "process"):
        table.add_column(heading, overflow="fold")
    stale = 0
    for record in runs_with_status(store, "RUNNING"):
        life = liveness_of(record, mlruns)
        if not life.alive:
            stale += 1
            if config["apply"]:
                _close(record, store, config, mlruns)
        began = datetime.fromtimestamp(record.info.start_time / 1000).astimezone()
        table.add_row(
            str(record.info.run_id),
            record.data.tags.get(KIND_TAG, "train"),
            str(record.info.run_name),
            began.isoformat(sep=" ", timespec="seconds"),
            life.why if life.alive else f"stale: {life.why}",
        )
    return table, stale


def _close(record: RunRecord, store: MlflowStore, config: Config, mlruns: Path) -> None:
    run_id = str(record.info.run_id)
    try:
        with locked(mlruns, run_id, "gc"):
            folder = run_folder(run_id, record.data.tags, config)
            if folder is None:
                MlflowRun(store, run_id, reopen=False).end("KILLED")
            else:
                outcome = load_outcome(folder) or Outcome(str(record.info.run_name), run_id=run_id)
                close_for(store, outcome, folder, "KILLED", ENDED_FROM_OUTSIDE)
    except BusyError:
        return  # somebody has just gone on with it
