"""A command's folder is its own: one that an earlier command owns is refused, untouched."""

import os
import shutil
from itertools import count
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from idc.errors import ConfigError, IdcError
from idc.launch.terminal import reporting_errors
from idc.runtime.cluster import started_again
from idc.runtime.outcome import FILE as OUTCOME
from idc.runtime.outcome import Outcome, load_outcome

SWEEP = "sweep.json"  # in a sweep's folder
JOB = "job.json"  # in the folder of a sweep's job: whose it is
EARLIER = "earlier"  # where a job's folder keeps what an earlier attempt left
LOG = "console.log"
STAYS = (JOB, ".hydra", LOG)  # of the attempt that has just begun


class FolderCallback(Callback):
    """Refuses a run's folder before Hydra writes to it."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the folder of a command that stands alone.

        Raises:
            SystemExit: It is another run's; that has been printed.
        """
        # The ranks of a job share its folder.
        ranks = (os.environ.get(name, "0") for name in ("RANK", "SLURM_PROCID", "IDC_LAUNCHED"))
        if all(rank == "0" for rank in ranks):
            with reporting_errors():
                folder = Path(str(config.hydra.run.dir))
                require_free(folder, config, config.hydra.job.config_name, "hydra.run.dir")


def require_free(folder: Path, config: DictConfig, app: str, option: str) -> None:
    """Refuse a folder that an earlier command owns, unless this one goes on with its run.

    `option` is what names the folder, for the message.

    Raises:
        ConfigError: It is another run's.
    """
    if not any((folder / name).exists() for name in (OUTCOME, SWEEP, JOB)):
        return
    outcome = _outcome(folder)
    if outcome is not None and _goes_on(outcome, folder, config, app):
        return
    raise ConfigError(foreign(folder, option))


def foreign(folder: Path, option: str) -> str:
    """Say that a folder, named by an option, is another run's."""
    outcome = _outcome(folder)
    what, goes_on = "files of an earlier run", ""
    if outcome is not None:
        run_id = f", run {outcome.run_id}" if outcome.run_id else ""
        what = f"an earlier run ({outcome.kind}{run_id}, {outcome.status.lower()})"
        if outcome.kind == "train" and outcome.run_id:
            goes_on = f" resume={outcome.run_id} goes on with that run."
    elif (folder / SWEEP).exists():
        what = "an earlier sweep"
    return (
        f"{option}: {folder} holds {what}, and the files of two would mix. Give another folder, or "
        f"move that one away.{goes_on}"
    )


def back_to_the_start(hydra: Any) -> None:
    """Leave the folder that ``hydra.job.chdir=true`` has led to.

    Relative paths on a command line are relative to where the command was typed.
    """
    os.chdir(hydra.runtime.cwd)


def set_aside(folder: Path) -> None:
    """Move what an earlier attempt at a job left into a folder within: none is read as new."""
    if not (folder / OUTCOME).exists():
        return
    numbers = (folder / EARLIER / str(n) for n in count(1))
    target = next(place for place in numbers if not place.exists())
    target.mkdir(parents=True)
    for path in folder.iterdir():
        if path.name not in (*STAYS, EARLIER):
            path.rename(target / path.name)
    if (folder / LOG).is_file():  # open, and appended to
        shutil.copyfile(folder / LOG, target / LOG)
        os.truncate(folder / LOG, 0)


def _goes_on(outcome: Outcome, folder: Path, config: DictConfig, app: str) -> bool:
    if app == outcome.kind == "review":  # the page may be opened again and again
        return bool(OmegaConf.select(config, "run") == outcome.run_id)
    if app != "train" or outcome.kind != "train":
        return False
    if started_again() and outcome.status in ("RUNNING", "KILLED"):
        return True  # the same command, which goes on with its run
    resume = OmegaConf.select(config, "resume")
    if not resume:
        return False
    return resume == outcome.run_id or folder.resolve() in Path(str(resume)).resolve().parents


def _outcome(folder: Path) -> Outcome | None:
    try:
        return load_outcome(folder)
    except (ValueError, TypeError, OSError, IdcError):  # torn, or none of ours
        return None
