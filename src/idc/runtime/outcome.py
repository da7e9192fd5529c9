"""What became of a job, in a small file that its sweep and its ranks' launcher read."""

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
    """The state of a job.

    Attributes:
        name: The run's name.
        status: MLflow's words.
        run_id: The MLflow run, if there is one.
        objective: Best value of the monitored metric: what a hyperparameter search optimises.
        metrics: The test metrics.
        settings: The swept values of the job.
        class_names: A name a class, in the order of the labels.
        error: The first line of what went wrong.
        notes: Sentences that the metrics must not be read without.
        leaky: Whether patients were in two splits.
        kind: What it was: ``train``, ``evaluate``, ``compare``, ...
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
    kind: str = "train"

    def save(self, folder: Path) -> None:
        """Write the file, whole or not at all."""
        write_text(folder / FILE, redact(json.dumps(asdict(self), indent=2)) + "\n")


def load_outcome(folder: Path) -> Outcome | None:
    """Read a job's file, or None where there is none.

    Raises:
        CheckpointError: It is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        fields = {"name": str, "status": str, "metrics": dict, "settings": dict, "notes": list}
        for name, kind in fields.items():
            if not isinstance(content[name], kind):
                raise TypeError(f"{name} is no {kind.__name__}")
        return Outcome(**content)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path} is damaged: it does not tell what became of its run ({first_line(error)}). "
            f"Remove the file; what the run logged is then taken from MLflow."
        ) from error
