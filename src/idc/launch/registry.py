"""Which jobs a sweep has and where each lies, at any depth below its folder or elsewhere.

Every job writes itself down when it starts, in a file of its own; the sweep compares that with what
was to run. A job that another machine never started is missed that way.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from idc.errors import ConfigError
from idc.launch.folders import JOB, foreign
from idc.runtime.outcome import FILE as OUTCOME

JOBS = "jobs"  # in the sweep's folder


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
    contents = [json.loads(p.read_text("utf-8")) for p in (sweep / JOBS).glob("*.json")]
    jobs = [StartedJob(**{**content, "folder": Path(content["folder"])}) for content in contents]
    return sorted(jobs, key=lambda job: job.number)


def sweep_of(folder: Path) -> Path | None:
    """The folder of the sweep that a job's folder belongs to, or None."""
    path = folder / JOB
    return Path(json.loads(path.read_text("utf-8"))["sweep"]) if path.is_file() else None


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
    place = sweep / JOBS
    place.mkdir(parents=True, exist_ok=True)
    content = {**asdict(job), "folder": str(job.folder)}
    part = place / f"{job.number}.part"
    part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    part.replace(place / f"{job.number}.json")
