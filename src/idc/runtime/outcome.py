"""Outcome of a job, in a small file for its sweep and for the launcher of its ranks."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from idc.errors import CheckpointError, first_line
from idc.runtime.atomic import write_text
from idc.runtime.redaction import redact

FILE = "outcome.json"
Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


@dataclass
class Outcome:
    """Status and results of a job.

    Attributes:
        name: The run's name.
        status: As in MLflow.
        run_id: Id of the MLflow run, if there is one.
        objective: Best value of the monitored metric, which a hyperparameter search optimises.
        metrics: The test metrics.
        settings: The swept values of the job.
        class_names: One name per class, in the order of the labels.
        error: First line of the error message.
        notes: Caveats about the metrics, as sentences.
        leaky: Whether patients were in more than one split.
        pruned: Whether a hyperparameter search stopped it early, so that it was not tested.
        kind: The app: ``train``, ``evaluate``, ``compare``, ...
    """

    name: str
    status: Status = "RUNNING"
    run_id: str | None = None
    objective: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    class_names: list[str] = field(default_factory=list)
    error: str | None = None
    notes: list[str] = field(default_factory=list)
    leaky: bool = False
    pruned: bool = False
    kind: str = "train"

    def save(self, folder: Path) -> None:
        """Write the file atomically."""
        write_text(folder / FILE, redact(json.dumps(asdict(self), indent=2)) + "\n")


def load_outcome(folder: Path) -> Outcome | None:
    """Read a job's outcome; None if it has none.

    Raises:
        CheckpointError: The file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        fields = {"name": str, "status": str, "metrics": dict, "settings": dict, "notes": list}
        for name, kind in fields.items():
            if not isinstance(content[name], kind):
                raise TypeError(f"{name} is not a {kind.__name__}")
        return Outcome(**content)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path} is damaged ({first_line(error)}). Remove the file; the results of the run are "
            f"then read from MLflow."
        ) from error
