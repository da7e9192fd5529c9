"""The sweep's parent run: what its children have in common, and how they compare."""

import hashlib
import json
import logging
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from idc.comparison.analysis import Analysis
from idc.comparison.fetch import fetch_run_files
from idc.comparison.leaderboard import METRICS
from idc.comparison.runs import FinishedRun
from idc.config.build import resolve
from idc.config.tree import groups
from idc.errors import ConfigError
from idc.launch.folders import foreign
from idc.launch.search import FOLDER as SEARCH
from idc.launch.search import bring_study
from idc.launch.search_results import search_result
from idc.launch.sweep_record import JOBS, Sweep, job_name, load_sweep, registered, settings_of
from idc.launch.table import print_comparison
from idc.pipelines.compare import COMPARISON, EVALUATION, compare_runs, describe
from idc.pipelines.lifecycle import ENDED_FROM_OUTSIDE, STOPPED, close_for, configured_store
from idc.pipelines.run_context import RunContext
from idc.pipelines.trial import VALUE_TAG
from idc.runtime import signals
from idc.runtime.cluster import JOB_TAG, slurm_job, started_again
from idc.runtime.outcome import FILE as OUTCOME
from idc.runtime.outcome import Outcome, load_outcome
from idc.tracking.alive import heartbeat, locked, refuse_running
from idc.tracking.integrity import logged_settings
from idc.tracking.lookup import CUT, KIND_TAG, children, find_run, run_of_job
from idc.tracking.mlflow_run import NOTE_TAG, MlflowRun
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.privacy import displayed_settings
from idc.tracking.provenance import origin_tags
from idc.tracking.run_protocol import Status

log = logging.getLogger(__name__)
NEVER_STARTED = "the job never started"
OVERRIDES_TAG = "idc.sweep.overrides"
DIGEST_TAG = "idc.sweep.digest"
KIND = "sweep"
NEEDED = ("tracking", "paths", "name", "report", "intervals")  # of the configuration
NAME = 190  # characters
# Entered when the sweep is opened, left when it is closed: Hydra comes in between.
_alive = ExitStack()


def open_parent(sweep: Sweep, config: DictConfig) -> Sweep:
    """Create the parent run, or take up that of an interrupted sweep.

    Raises:
        TrackingError: The store cannot be used.
        ConfigError: ``sweep.resume`` names a sweep of another command, or the folder is that of
            another sweep or run.
    """
    resume = OmegaConf.select(config, "sweep.resume")
    _require_own_folder(sweep, resume)
    sweep.config = resolve(OmegaConf.masked_copy(config, list(NEEDED)), {})
    store = configured_store(sweep.config, reads=bool(resume))
    redactor = sweep.redactor
    # Of the overrides as they were typed: what is logged of them leaves out paths.
    typed = json.dumps(_own_overrides(sweep)).encode()
    sweep.digest = hashlib.blake2b(typed, digest_size=8).hexdigest()
    sweep.overrides = displayed_settings(sweep.overrides, redactor)
    if store is None:
        if resume:
            raise ConfigError("sweep.resume needs tracking; it was off (tracking=none).")
        return sweep
    if started_again():
        resume = resume or run_of_job(store, slurm_job(), KIND)
    if resume:
        sweep.parent = str(resume)
        _take_up(store, sweep)
        if sweep.search is not None:
            bring_study(sweep, store)
            # Trials go on to be numbered: the jobs of the earlier attempt are in the study.
            shutil.rmtree(sweep.folder / JOBS, ignore_errors=True)
        what = f"sweep.resume={resume}"
        refuse_running(find_run(store, sweep.parent), sweep.mlruns, what)
        _alive.enter_context(locked(sweep.mlruns, sweep.parent, what))
        _alive.enter_context(heartbeat(MlflowRun(store, sweep.parent)))
        log.info(
            "sweep %s: %d job(s) are already done, %d are gone on with",
            *(resume, len(sweep.done), len(sweep.cut)),
        )
        return sweep
    tags = origin_tags("idc.train", redactor.pseudonyms) | {
        KIND_TAG: KIND,
        OVERRIDES_TAG: json.dumps(_own_overrides(sweep)),
        DIGEST_TAG: sweep.digest,
    }
    if (job := slurm_job()) is not None:
        tags[JOB_TAG] = job
    run = MlflowRun(store, name=_name(sweep))
    run.tags(tags)
    varied = settings_of(sweep.overrides, sweep.swept)
    run.params({f"sweep.{key}": value for key, value in varied.items()})
    sweep.parent = run.run_id
    _alive.enter_context(locked(sweep.mlruns, sweep.parent, "sweep"))
    _alive.enter_context(heartbeat(run))
    return sweep


def _require_own_folder(sweep: Sweep, resume: str | None) -> None:
    before = load_sweep(sweep.folder)
    if before is not None and before.parent is not None:
        if before.parent == resume:
            return
        raise ConfigError(
            f"hydra.sweep.dir: {sweep.folder} holds the sweep {before.parent}, and the jobs of two "
            f"would mix. Give another folder, or move that one away. sweep.resume={before.parent} "
            f"goes on with that sweep."
        )
    if before is not None or (sweep.folder / OUTCOME).exists():
        raise ConfigError(foreign(sweep.folder, "hydra.sweep.dir"))


def _own_overrides(sweep: Sweep) -> list[str]:
    return [o for o in sweep.overrides if not o.startswith("sweep.resume")]


def _name(sweep: Sweep) -> str:
    """The given name, or ``resnet50,vgg16; seed 1,2 (sweep)``: what varies comes first."""
    if sweep.config["name"]:
        return str(sweep.config["name"])
    parts = [
        value if key in groups() else f"{key.rpartition('.')[2]} {value}"
        for key, value in settings_of(sweep.overrides, sweep.swept).items()
    ]
    return f"{'; '.join(parts)[:NAME]} (sweep)"


def _take_up(store: MlflowStore, sweep: Sweep) -> None:
    """See which jobs of an earlier attempt are done, and which were cut short."""
    assert sweep.parent is not None
    tags = find_run(store, sweep.parent).data.tags
    before = tags.get(OVERRIDES_TAG, "other overrides")
    if tags.get(DIGEST_TAG) != sweep.digest:
        raise ConfigError(
            f"sweep.resume={sweep.parent}: that sweep was started with {before}; repeat the same "
            f"overrides, with sweep.resume added."
        )
    for child in children(store, sweep.parent):
        name = job_name(logged_settings(child.data.tags, f"run {child.info.run_id}"))
        if child.info.status == "FINISHED":
            sweep.done[name] = child.info.run_id
        elif child.info.status in CUT:
            sweep.cut[name] = child.info.run_id


def trial_of_run(sweep: Sweep, run_id: str) -> Outcome | None:
    """What became of a trial that an earlier attempt finished, from the tags of its run."""
    store = configured_store(sweep.config)
    if store is None:
        return None
    record = find_run(store, run_id)
    value = record.data.tags.get(VALUE_TAG)
    name, objective = str(record.info.run_name), None if value is None else float(value)
    return Outcome(name, "FINISHED", run_id, objective)


def close_parent(sweep: Sweep, code: int) -> int:
    """Compare the children, log it on the parent, and end it; a `code` over 128: it was stopped.

    Returns the exit code: not 0 if a job failed or did not run.
    """
    store = configured_store(sweep.config, reads=bool(sweep.done or sweep.cut))
    stopped = code > signals.STOPPED_CODE
    ran = _outcomes(sweep, store, stopped)
    missing = [] if stopped else _missing(sweep)
    sweeper = "hydra/sweeper=optuna " if sweep.search is not None else ""
    command = f"python -m idc.train -m {sweeper}{' '.join(_own_overrides(sweep))}"
    context = RunContext(Outcome(_name(sweep)), sweep.config, sweep.folder, sweep.redactor)
    searched = None if sweep.search is None else search_result(sweep)
    notes = () if searched is None else searched.notes
    if store is None or sweep.parent is None:
        found, outcomes = _compare(context, sweep, ran, store, command, notes)
        return _report(found, [*outcomes, *missing], code)
    run = context.run = MlflowRun(store, sweep.parent)
    if stopped:
        run.end("KILLED")  # at once: who stopped it may not wait for the comparison
    try:
        found, outcomes = _compare(context, sweep, ran, store, command, notes)
        outcomes += missing
        for name in (COMPARISON, EVALUATION, SEARCH):
            run.artifacts(sweep.folder / name, name)
        run.tags({NOTE_TAG: describe(context, found, outcomes, command)})
        failed = sum(o.status != "FINISHED" for o in outcomes)
        counts = {"sweep/finished": len(outcomes) - failed, "sweep/failed": failed}
        run.metrics({**found.metrics, **counts})
        if len(found.board):
            run.tags({"idc.sweep.best": found.board.iloc[0]["setting"]})
        if searched is not None:
            run.metrics(searched.metrics)
            # By validation: the leaderboard is ordered by test.
            run.tags({"idc.sweep.best": searched.best})
    except BaseException as error:
        run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    finally:
        _alive.close()
    code = code or int(failed > 0)
    run.end("KILLED" if stopped else "FAILED" if code else "FINISHED")
    # Last: whatever becomes of the output, the sweep is logged.
    _report(found, outcomes, code)
    print(f"sweep:  {sweep.parent}", file=sys.stderr)
    return code


def _outcomes(sweep: Sweep, store: MlflowStore | None, stopped: bool) -> dict[Path, Outcome]:
    """What became of each job that ran; one that did not end has failed, or was stopped too."""
    found = {}
    for job in registered(sweep.folder):
        if job.done is not None:
            continue
        outcome = load_outcome(job.folder) or Outcome(job.name)
        if outcome.status == "RUNNING":
            status: Status = "KILLED" if stopped else "FAILED"
            reason = STOPPED if stopped else ENDED_FROM_OUTSIDE
            close_for(store, outcome, job.folder, status, reason)
        found[job.folder] = outcome
    return found


def _missing(sweep: Sweep) -> list[Outcome]:
    """The jobs that never started, of those that were planned."""
    started = {job.number for job in registered(sweep.folder)}
    if sweep.planned is None:  # the sweeper chose as it went: at least those before the last
        names = [f"job {number}" for number in range(max(started, default=0))]
        first = min(started, default=0) if sweep.search is not None else 0
        started |= set(range(first))  # of an earlier attempt
    else:
        names = [job_name(settings_of(one, sweep.swept)) for one in sweep.planned]
    return [
        Outcome(name, "FAILED", error=NEVER_STARTED)
        for number, name in enumerate(names)
        if number not in started
    ]


def _report(found: Analysis, outcomes: list[Outcome], code: int) -> int:
    """Print what finished and what failed; the exit code, not 0 if a job failed."""
    if len(found.board):
        print_comparison(found.board, list(METRICS), found.sentences, found.notes)
    failed = [outcome for outcome in outcomes if outcome.status != "FINISHED"]
    for outcome in failed:
        print(f"failed: {outcome.name}: {outcome.error}", file=sys.stderr)
    return code or int(bool(failed))


def _compare(
    context: RunContext,
    sweep: Sweep,
    ran: dict[Path, Outcome],
    store: MlflowStore | None,
    command: str,
    notes: Sequence[str] = (),
) -> tuple[Analysis, list[Outcome]]:
    """Compare what finished; also all outcomes, those of an earlier attempt too."""
    outcomes = list(ran.values())
    runs = [
        FinishedRun(one, folder)
        for folder, one in ran.items()
        if one.status == "FINISHED" and not one.pruned
    ]
    if store is not None:
        for run_id in set(sweep.done.values()) - {one.run_id for one in outcomes}:
            folder = sweep.folder / "done" / run_id
            runs.append(fetch_run_files(store, find_run(store, run_id), folder))
            outcomes.append(runs[-1].outcome)
    return compare_runs(context, runs, outcomes, command, False, notes), outcomes
