"""What a sweep and its jobs know of each other, in files that reach any process on any machine.

One file holds what the jobs share. Every job writes itself down when it starts, in a file of its
own; the sweep compares that with what was to run, so a job that never started is missed.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from idc.errors import CheckpointError, ConfigError, first_line
from idc.launch.folders import JOB, SWEEP, foreign
from idc.runtime.atomic import write_text
from idc.runtime.outcome import FILE as OUTCOME

if TYPE_CHECKING:
    from idc.tracking.mlflow_run import MlflowRun
    from idc.tracking.privacy import Redactor

JOBS = "jobs"  # in the sweep's folder
NOT_IN_NAMES = ("sweep.resume",)


@dataclass
class Sweep:
    """What the jobs of a sweep share.

    Attributes:
        folder: The sweep's folder; a job's folder lies in it.
        overrides: The command line's overrides.
        swept: Names of the values that vary.
        parent: MLflow run id of the sweep, or None without tracking.
        done: Names of jobs that an earlier attempt finished, to their run ids.
        cut: The same of jobs that it began, and that go on in their runs.
        config: The parts of the configuration, without the jobs' overrides, that the sweep itself
            needs: tracking, paths, name, report, intervals.
        digest: Of the overrides as they were typed.
        search: Of a hyperparameter search, what its trials must know; see
            `idc.pipelines.trial.Search`.
        planned: Each job's overrides, by its number; None where the sweeper chooses as it goes.
    """

    folder: Path
    overrides: list[str]
    swept: list[str]
    parent: str | None = None
    done: dict[str, str] = field(default_factory=dict)
    cut: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    search: dict[str, Any] | None = None
    planned: list[list[str]] | None = None

    @property
    def mlruns(self) -> Path:
        """The folder of the store's locks."""
        return Path(self.config["paths"]["mlruns"])

    @property
    def redactor(self) -> "Redactor":
        """Removes from texts what must not be logged."""
        from idc.pipelines.lifecycle import build_redactor  # heavy

        return build_redactor(self.config)

    def child(self, run_id: str | None) -> "MlflowRun | None":
        """A run of this sweep, or the parent, to add to; None without tracking."""
        from idc.pipelines.lifecycle import configured_store  # heavy
        from idc.tracking.mlflow_run import MlflowRun

        store = configured_store(self.config, reads=False) if run_id else None
        return None if store is None else MlflowRun(store, run_id)

    def save(self) -> None:
        """Write the file that the jobs read."""
        # The jobs need no URI of it, which may hold a password.
        own = {**self.config, "tracking": {**self.config["tracking"], "uri": None}}
        content = {**asdict(self), "folder": str(self.folder), "config": own}
        write_text(self.folder / SWEEP, json.dumps(content, indent=2) + "\n")


def typed(overrides: Any) -> list[str]:
    """Overrides as they were typed: to iterate over Hydra's own list resolves interpolations."""
    plain = OmegaConf.to_container(overrides, resolve=False)
    assert isinstance(plain, list)
    return [str(override) for override in plain]


def load_sweep(folder: Path) -> Sweep | None:
    """What the file of a sweep's folder, or of one of its jobs, says; None where there is none.

    Raises:
        CheckpointError: The file is damaged.
    """
    path = (sweep_of(folder) or folder) / SWEEP
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        return Sweep(**{**content, "folder": Path(content["folder"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path} is damaged: it does not tell which sweep this is ({first_line(error)}). Go on "
            f"with the sweep in a new folder (sweep.resume=ID), or remove the file."
        ) from error


def settings_of(overrides: list[str], swept: list[str]) -> dict[str, str]:
    """A job's swept values, in the order of its overrides."""
    pairs = (o.lstrip("+").partition("=") for o in overrides)
    return {key: value for key, _, value in pairs if key in swept}


def job_name(settings: dict[str, str]) -> str:
    """A run's name after what it varies: ``backbone=vgg16,seed=2``."""
    return ",".join(f"{k}={v}" for k, v in settings.items() if k not in NOT_IN_NAMES)


@dataclass(frozen=True)
class StartedJob:
    """A job that has started.

    Attributes:
        number: Its place in the sweep, from 0.
        name: The run's name.
        folder: Its output folder.
        done: Run id of the earlier attempt that finished it, so that nothing ran now; else None.
    """

    number: int
    name: str
    folder: Path
    done: str | None = None


def register(sweep: Path, job: StartedJob) -> None:
    """Write a job down, and in its folder that it is this job's, unless nothing is to be run.

    Raises:
        ConfigError: The folder is that of another job or run. The job is registered with a folder
            of its own below the sweep's, for its outcome.
    """
    try:
        if job.done is None:
            _claim(sweep, job)
    except ConfigError:
        _write(sweep, StartedJob(job.number, job.name, spare_folder(sweep, job.number)))
        raise
    _write(sweep, job)


def spare_folder(sweep: Path, number: int) -> Path:
    """Where the outcome of a job goes whose own folder is taken."""
    return sweep / JOBS / str(number)


def registered(sweep: Path) -> list[StartedJob]:
    """The jobs of a sweep that have started, by number."""
    contents = [json.loads(p.read_text("utf-8")) for p in (sweep / JOBS).glob("[0-9]*.json")]
    jobs = [StartedJob(**{**content, "folder": Path(content["folder"])}) for content in contents]
    return sorted(jobs, key=lambda job: job.number)


def sweep_of(folder: Path) -> Path | None:
    """The folder of the sweep that a job's folder belongs to, or None."""
    claim = _claimed(folder)
    return None if claim is None else Path(claim["sweep"])


def number_of(folder: Path) -> int:
    """The number of the job that a folder belongs to."""
    claim = _claimed(folder)
    assert claim is not None
    return int(claim["number"])


def _claimed(folder: Path) -> dict[str, Any] | None:
    path = folder / JOB
    claim: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path.is_file() else None
    return claim


def _claim(sweep: Path, job: StartedJob) -> None:
    own = json.dumps({"sweep": str(sweep), "number": job.number})
    path = job.folder / JOB
    if not path.exists() and (job.folder / OUTCOME).exists():
        raise ConfigError(foreign(job.folder, "hydra.sweep.subdir"))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(own)
    except FileExistsError:  # a job that is started again, or two that run at once
        there = path.read_text("utf-8") or own
        if there == own:
            return
        if json.loads(there)["sweep"] != str(sweep):
            raise ConfigError(foreign(job.folder, "hydra.sweep.subdir")) from None
        raise ConfigError(
            f"hydra.sweep.subdir: {job.folder} is that of two jobs of this sweep. Let its name "
            f"hold what is swept, or ${{hydra.job.num}}."
        ) from None


def _write(sweep: Path, job: StartedJob) -> None:
    content = {**asdict(job), "folder": str(job.folder)}
    write_text(sweep / JOBS / f"{job.number}.json", json.dumps(content, indent=2) + "\n")
