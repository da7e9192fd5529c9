"""One job: what Hydra knows of it becomes what a pipeline needs."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from idc.config.build import Config, resolve
from idc.config.values import mirrors_of
from idc.errors import ConfigError, IdcError, first_line
from idc.launch.folders import back_to_the_start, require_free, set_aside
from idc.launch.sweep import is_open
from idc.launch.sweep_record import (
    StartedJob,
    Sweep,
    job_name,
    load_sweep,
    number_of,
    register,
    settings_of,
    spare_folder,
    typed,
)
from idc.launch.table import print_outcome
from idc.launch.terminal import quiet
from idc.pipelines.job import Job
from idc.pipelines.lifecycle import configured_store
from idc.pipelines.train import run_job
from idc.pipelines.trial import Search, Trial
from idc.runtime import signals
from idc.runtime.cluster import slurm_job, started_again
from idc.runtime.hardware import global_rank
from idc.runtime.orphans import LAUNCHED, end_with
from idc.runtime.outcome import Outcome, load_outcome
from idc.tracking.lookup import CUT, run_of_job
from idc.tracking.privacy import displayed_settings

log = logging.getLogger(__name__)
# Of a job's overrides of Hydra itself: what its ranks get other values of.
THE_JOBS_OWN = (
    *("hydra.mode", "hydra.run", "hydra.sweep", "hydra.output_subdir", "hydra.launcher"),
    *("hydra/launcher", "hydra/sweeper"),
)


def run(cfg: DictConfig) -> float | None:
    """Do the job of a composed configuration.

    Returns:
        The best value of the monitored metric, for sweepers that optimise; NaN for a job of a
        sweep that failed.

    Raises:
        SystemExit: The job stands alone and failed; the reason has been printed.
        KeyboardInterrupt: It was stopped.
    """
    # A launcher may have started this process, without the app around it.
    with signals.handled():
        return _run(cfg)


def _run(cfg: DictConfig) -> float | None:
    quiet()
    if global_rank() != 0:
        logging.getLogger().setLevel(logging.WARNING)
    hydra = HydraConfig.get()
    back_to_the_start(hydra)
    folder = Path(hydra.runtime.output_dir)
    overrides = typed(hydra.overrides.task)
    in_multirun = hydra.mode == RunMode.MULTIRUN
    # A rank of a job is told its folder only.
    sweep = load_sweep(Path(str(hydra.sweep.dir)).absolute() if in_multirun else folder)
    if in_multirun and not is_open() and "joblib" in str(hydra.launcher.get("_target_")):
        end_with(os.getppid())
    settings = {}
    if sweep is not None:
        settings = settings_of(displayed_settings(overrides, sweep.redactor), sweep.swept)
    name = job_name(settings)
    done = None if sweep is None else sweep.done.get(name)
    # Where a failure is written down; nowhere, while the folder may be another run's.
    place = spare_folder(sweep.folder, hydra.job.num) if sweep and in_multirun else None
    try:
        if sweep is not None and in_multirun:
            register(sweep.folder, StartedJob(hydra.job.num, name, folder, done))
        elif in_multirun:
            _require_own(hydra, folder, cfg)
        if done is not None:
            log.info("%s: already done, run %s", name, done)
            return None
        place = folder
        run_id = None if sweep is None else sweep.cut.get(name) or _requeued_here(folder)
        if in_multirun and not cfg.resume and run_id is None:
            set_aside(folder)
        config = resolve(cfg, hydra.runtime.choices)
        if sweep is None and not config["resume"]:
            run_id = _requeued_alone(config)
        # In a sweep the given name is the parent's; what varies names its jobs, if anything does.
        chosen, given = config["choices"], None if sweep else config["name"]
        usual = f"{chosen['backbone']} {chosen['data']} seed={config['seed']}"
        name = name or str(given or usual)
        if run_id is not None:
            log.info("%s: going on with run %s", name, run_id)
            config["resume"] = run_id
            overrides.append(f"resume={run_id}")
        job = Job(
            config,
            folder,
            overrides,
            name,
            settings,
            sweep.parent if sweep else None,
            hydra_arguments(hydra),
            mirrors_of(cfg),
            _trial(sweep, folder),
        )
        outcome = run_job(job)
    except (Exception, SystemExit) as error:
        if not isinstance(error, IdcError):
            log.exception("unexpected error")
        else:
            print(f"error: {error}", file=sys.stderr)
        if not in_multirun:
            raise SystemExit(1) from None
        if place and ((known := load_outcome(place)) is None or known.status == "RUNNING"):
            Outcome(name, "FAILED", settings=settings, error=first_line(error)).save(place)
        return float("nan")
    shown = outcome.status == "FINISHED" and not outcome.pruned
    if shown and global_rank() == 0 and LAUNCHED not in os.environ:
        print_outcome(outcome, config, folder)
    return outcome.objective


def _trial(sweep: Sweep | None, folder: Path) -> Trial | None:
    """What reports to the search that a job is a trial of, if it is one's."""
    if sweep is None or sweep.search is None:
        return None
    return Trial(Search(**sweep.search), number_of(folder))


def _require_own(hydra: Any, folder: Path, cfg: DictConfig) -> None:
    """Refuse the folder of a job of no sweep: another run's, or one that has lost its sweep."""
    if "sweep" in (hydra.callbacks or {}):
        raise ConfigError(
            f"hydra.sweep.dir: for this job it is {hydra.sweep.dir}, where no sweep was opened. It "
            f"must be the same for all jobs: let hydra.sweep.subdir hold what is swept."
        )
    require_free(folder, cfg, hydra.job.config_name, "hydra.sweep.subdir")


def _requeued_here(folder: Path) -> str | None:
    """The run of a sweep's job that a cluster has ended and starts again, in the same folder."""
    outcome = load_outcome(folder) if started_again() and LAUNCHED not in os.environ else None
    return outcome.run_id if outcome and outcome.status in CUT else None


def _requeued_alone(config: Config) -> str | None:
    """The same of a job that stands alone: its folder is another one now."""
    if not started_again() or LAUNCHED in os.environ:
        return None
    store = configured_store(config)
    return None if store is None else run_of_job(store, slurm_job(), None)


def hydra_arguments(hydra: Any) -> list[str]:
    """What another process must be told to find the same configuration."""
    found = ["--config-name", str(hydra.job.config_name)]
    for source in hydra.runtime.config_sources:
        if source.provider == "command-line":
            found += ["--config-dir", str(Path(source.path).absolute())]
    return found + [
        o for o in typed(hydra.overrides.hydra) if not o.lstrip("+~").startswith(THE_JOBS_OWN)
    ]
