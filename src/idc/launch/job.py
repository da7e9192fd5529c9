"""One job: what Hydra knows of it becomes what the engine needs."""

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from idc.config.values import mirrors_of
from idc.engine.config import Config, resolve
from idc.engine.hardware import global_rank
from idc.engine.lifecycle import build_redactor
from idc.engine.outcome import Outcome, load_outcome
from idc.engine.ranks import LAUNCHED
from idc.engine.run import Job, run_job
from idc.errors import IdcError, first_line
from idc.launch.sweep import job_name, load_sweep, settings_of
from idc.launch.table import print_outcome
from idc.tracking.privacy import shown_settings

log = logging.getLogger(__name__)
# About the libraries' own insides, with nothing for a user to do.
KNOWN_WARNINGS = (
    r".*isinstance\(treespec, LeafSpec\)",  # Lightning 2.6 with torch >= 2.12
    r".*does not have many workers",  # decoded patches need none
    r".*Checkpoint directory .* exists and is not empty",  # a resumed run's own
    r".*module\(s\) in eval mode at the start of training",  # frozen stages, as asked for
    r".*loader strategy is deprecated",  # MLflow with SQLAlchemy 2.1
)

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
        KeyboardInterrupt: The user stopped it.
    """
    quiet()
    if global_rank() != 0:
        logging.getLogger().setLevel(logging.WARNING)
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    overrides = list(hydra.overrides.task)
    sweep = load_sweep(folder)
    in_multirun = hydra.mode == RunMode.MULTIRUN
    settings = {}
    if sweep is not None:
        redactor = build_redactor(sweep.config, sweep.config["root"])
        settings = settings_of(shown_settings(overrides, redactor), sweep.swept)
    name = job_name(settings)
    if sweep is not None and name in sweep.done:
        log.info("%s: already done, run %s", name, sweep.done[name])
        return None
    try:
        config = resolve(cfg, hydra.runtime.choices)
        job = Job(
            config,
            folder,
            overrides,
            # In a sweep the given name is the parent's.
            name if sweep else str(config["name"] or _default_name(config)),
            settings,
            sweep.parent if sweep else None,
            hydra_arguments(hydra),
            mirrors_of(cfg),
        )
        outcome = run_job(job)
    except (Exception, SystemExit) as error:
        if not isinstance(error, IdcError):
            log.exception("unexpected error")
        else:
            print(f"error: {error}", file=sys.stderr)
        if not in_multirun:
            raise SystemExit(1) from None
        if (known := load_outcome(folder)) is None or known.status == "RUNNING":
            Outcome(name, "FAILED", settings=settings, error=first_line(error)).save(folder)
        return float("nan")
    if outcome.status == "FINISHED" and global_rank() == 0 and LAUNCHED not in os.environ:
        print_outcome(outcome, config, folder)
    return outcome.objective


def hydra_arguments(hydra: Any) -> list[str]:
    """What another process must be told to find the same configuration.

    Args:
        hydra: The job's ``hydra`` node.
    """
    found = ["--config-name", str(hydra.job.config_name)]
    for source in hydra.runtime.config_sources:
        if source.provider == "command-line":
            found += ["--config-dir", str(Path(source.path).absolute())]
    return found + [o for o in hydra.overrides.hydra if not o.lstrip("+~").startswith(THE_JOBS_OWN)]


def quiet() -> None:
    """Warnings go to the log; what the libraries say on every start is not worth a line."""
    logging.captureWarnings(True)
    for name in ("pytorch_lightning", "lightning_fabric", "lightning", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in KNOWN_WARNINGS:
        warnings.filterwarnings("ignore", message=message)


def _default_name(config: Config) -> str:
    choices = config["choices"]
    return f"{choices['backbone']} {choices['data']} seed={config['seed']}"
