"""Fetch finished runs from MLflow, with the files that a comparison needs."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from idc.comparison.leaderboard import RUN, WHOLE, setting_of
from idc.comparison.runs import FILES, FinishedRun
from idc.errors import CheckpointError, ConfigError, MissingArtifactError
from idc.runtime.outcome import Outcome
from idc.tracking.entities import RunRecord
from idc.tracking.integrity import check_file, logged_class_names, logged_settings
from idc.tracking.journal_delivery import PARENT_TAG
from idc.tracking.lookup import (
    KIND_TAG,
    all_metrics,
    children,
    fetch_artifact,
    find_run,
    finished_runs,
)
from idc.tracking.mlflow_store import MlflowStore

TESTED = ("train", "evaluate")  # kinds of runs that have predictions of their own


def fetch_run_files(
    store: MlflowStore, record: RunRecord, folder: Path, sweep_name: str = ""
) -> FinishedRun:
    """Fetch the outcome of a run and the files that a comparison needs.

    Args:
        store: The MLflow store.
        record: The run's record in MLflow.
        folder: Download folder.
        sweep_name: Name of its sweep, used as the name of a setting in which nothing varies.

    Raises:
        CheckpointError: A file or a tag is damaged.
    """
    tags, what = record.data.tags, f"run {record.info.run_id}"
    for name in FILES:
        with suppress(
            MissingArtifactError
        ):  # an evaluation has no history, an old run no baselines
            path = fetch_artifact(store, record.info.run_id, name, (folder / name).parent)
            check_file(path, name, tags, what)
    settings = logged_settings(tags, what)
    if sweep_name and settings and setting_of(settings) == WHOLE:
        settings = {RUN: sweep_name, **settings}
    outcome = Outcome(
        str(record.info.run_name),
        "FINISHED",
        str(record.info.run_id),
        metrics=all_metrics(store, record),
        settings=settings,
        class_names=list(logged_class_names(tags, what)),
        leaky=tags.get("leaky") == "true",
    )
    return FinishedRun(outcome, folder, tags.get(PARENT_TAG, ""))


def chosen_runs(
    store: MlflowStore, runs: Sequence[str], sweep: str | None, experiment: bool, folder: Path
) -> list[FinishedRun]:
    """Fetch the runs that are to be compared.

    Args:
        store: The MLflow store.
        runs: Ids of runs, or of sweeps for all their runs.
        sweep: Id of a sweep, or None.
        experiment: Whether to take all finished runs of the experiment.
        folder: Download folder.

    Raises:
        ConfigError: Nothing is given, or a run cannot be compared.
        CheckpointError: A run does not exist.
    """
    ids = [*runs, *([sweep] if sweep else [])]
    if bool(ids) == experiment:
        raise ConfigError(
            "compare: give exactly one of runs=[ID,ID], sweep=ID and experiment_name=NAME."
        )
    records: list[tuple[RunRecord, str]] = []
    for record in finished_runs(store) if experiment else ():
        name = ""
        with suppress(CheckpointError):  # not part of a sweep, or of one that was deleted
            name = str(find_run(store, record.data.tags.get(PARENT_TAG, "")).info.run_name)
        records.append((record, name))
    for run_id in ids:
        record = find_run(store, run_id)
        kind = record.data.tags.get(KIND_TAG, "train")
        if kind == "sweep":
            name = str(record.info.run_name)
            jobs = children(store, run_id)
            records += [(job, name) for job in jobs if job.info.status == "FINISHED"]
        elif kind not in TESTED or record.info.status != "FINISHED":
            raise ConfigError(
                f"compare: run {run_id} ({kind}, {record.info.status.lower()}) has no test "
                f"predictions; give finished runs of idc.train or idc.evaluate."
            )
        else:
            records.append((record, ""))
    unique = {record.info.run_id: (record, name) for record, name in records}
    return _with_distinct_settings(
        [
            fetch_run_files(store, record, folder / run_id, name)
            for run_id, (record, name) in unique.items()
        ]
    )


def _with_distinct_settings(runs: list[FinishedRun]) -> list[FinishedRun]:
    """Make each run without a sweep a setting of its own; separate the settings of two sweeps."""
    name_counts = Counter(run.outcome.name for run in runs if not run.settings)
    sweeps: dict[str, set[str]] = {}
    for run in runs:
        if run.settings:
            sweeps.setdefault(run.setting, set()).add(run.sweep)
    distinct = []
    for run in runs:
        settings = dict(run.settings)
        if not settings:
            name = run.outcome.name
            settings[RUN] = f"{name} ({run.outcome.run_id:.8})" if name_counts[name] > 1 else name
        elif len(sweeps[run.setting]) > 1:
            # Values that were not swept may differ, so these are not repeats of each other.
            settings["sweep"] = run.sweep[:8]
        distinct.append(replace(run, outcome=replace(run.outcome, settings=settings)))
    return distinct
