"""Finished runs from the MLflow store, with the files that a comparison needs."""

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
from idc.tracking.lookup import KIND_TAG, children, fetch_artifact, find_run, finished_runs
from idc.tracking.mlflow_store import MlflowStore

TESTED = ("train", "evaluate")  # kinds of runs that have predictions of their own


def gather(
    store: MlflowStore, record: RunRecord, folder: Path, sweep_name: str = ""
) -> FinishedRun:
    """A run's outcome and those of its files that a comparison needs.

    Args:
        store: The MLflow store.
        record: What the store knows of the run.
        folder: Where to download to.
        sweep_name: Of the sweep that it was named with: stands for a setting in which nothing
            else varies.

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
        metrics=dict(record.data.metrics),
        settings=settings,
        class_names=list(logged_class_names(tags, what)),
        leaky=tags.get("leaky") == "true",
    )
    return FinishedRun(outcome, folder, tags.get(PARENT_TAG, ""))


def chosen_runs(
    store: MlflowStore, runs: Sequence[str], sweep: str | None, experiment: bool, folder: Path
) -> list[FinishedRun]:
    """The runs that a comparison names.

    Args:
        store: The MLflow store.
        runs: Ids of runs, or of sweeps, whose jobs are then taken.
        sweep: A sweep's id, or None.
        experiment: Take all finished runs of the store's experiment.
        folder: Where to download to.

    Raises:
        ConfigError: Nothing is named, or a run cannot be compared.
        CheckpointError: There is no such run.
    """
    named = [*runs, *([sweep] if sweep else [])]
    if bool(named) == experiment:
        raise ConfigError(
            "compare: give runs=[ID,ID], or sweep=ID, or experiment_name=NAME: one of them."
        )
    records: list[tuple[RunRecord, str]] = []
    for record in finished_runs(store) if experiment else ():
        name = ""
        with suppress(CheckpointError):  # it belongs to no sweep, or to one that was deleted
            name = str(find_run(store, record.data.tags.get(PARENT_TAG, "")).info.run_name)
        records.append((record, name))
    for run_id in named:
        record = find_run(store, run_id)
        kind = record.data.tags.get(KIND_TAG, "train")
        if kind == "sweep":
            name = str(record.info.run_name)
            found = children(store, run_id)
            records += [(c, name) for c in found if c.info.status == "FINISHED"]
        elif kind not in TESTED or record.info.status != "FINISHED":
            raise ConfigError(
                f"compare: run {run_id} ({kind}, {record.info.status.lower()}) has no test "
                f"predictions; give finished runs of idc.train or idc.evaluate."
            )
        else:
            records.append((record, ""))
    once = {record.info.run_id: (record, name) for record, name in records}
    return _told_apart(
        [gather(store, record, folder / run_id, name) for run_id, (record, name) in once.items()]
    )


def _told_apart(found: list[FinishedRun]) -> list[FinishedRun]:
    """Runs of no sweep are settings of their own, by name; settings of two sweeps stay two."""
    alone = Counter(run.outcome.name for run in found if not run.settings)
    sweeps: dict[str, set[str]] = {}
    for run in found:
        if run.settings:
            sweeps.setdefault(run.setting, set()).add(run.sweep)
    apart = []
    for run in found:
        settings = dict(run.settings)
        if not settings:
            name = run.outcome.name
            settings[RUN] = f"{name} ({run.outcome.run_id:.8})" if alone[name] > 1 else name
        elif len(sweeps[run.setting]) > 1:
            # What was not swept may differ: these are no repeats of one another.
            settings["sweep"] = run.sweep[:8]
        apart.append(replace(run, outcome=replace(run.outcome, settings=settings)))
    return apart
