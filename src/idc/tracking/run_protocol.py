"""Interface for logging a run; by itself it logs nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning.loggers import Logger

from idc.tracking.mlflow_store import MlflowStore

Status = Literal["FINISHED", "FAILED", "KILLED"]


class Run:
    """Logs nothing: for ``tracking=none``, and for all ranks but the first.

    `idc.tracking.mlflow_run.MlflowRun` logs to MLflow.
    """

    @property
    def run_id(self) -> str | None:
        """The run's id in MLflow, or None."""
        return None

    @property
    def store(self) -> MlflowStore | None:
        """The run's store, or None."""
        return None

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters; existing ones keep their value."""

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics; values that are not finite are skipped.

        Names that MLflow does not accept are replaced; see `idc.tracking.entity_names`.

        Args:
            values: Names to values.
            step: Of a course over training steps. Single numbers, without one, are MLflow metrics
                or rows of the run's table; see `idc.tracking.metric_table`.
        """

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags."""

    def artifacts(self, path: Path, under: str = "") -> None:
        """Log a file, or the content of a folder, as artifacts below a path of the run.

        A single text file is redacted; see `idc.tracking.privacy`. The files of a folder are logged
        as they are: their writers redact them.
        """

    def model(self, folder: Path) -> None:
        """Log a model in MLflow's format, linked to the run's test metrics so far.

        Args:
            folder: The folder with the file ``MLmodel``.
        """

    def dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        """Record the data as an input of the run."""

    def lightning_logger(self) -> Logger | Literal[False]:
        """A Lightning logger that writes to this run, or False."""
        return False

    def end(self, status: Status) -> None:
        """Close the run."""
