"""What the jobs of a sweep share: a file that reaches them in any process, on any machine.

See `idc.launch.registry` for what the sweep knows of its jobs.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from idc.errors import CheckpointError, first_line
from idc.launch.folders import SWEEP
from idc.launch.registry import sweep_of
from idc.runtime.atomic import write_text

if TYPE_CHECKING:
    from idc.tracking.privacy import Redactor

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
