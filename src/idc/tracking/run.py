"""A run in MLflow, by its id and the client alone: the fluent API would open stray runs."""

import math
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import mlflow
from lightning_utilities.core.rank_zero import rank_zero_only
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
    Param,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from pytorch_lightning.loggers import Logger, MLFlowLogger

from idc.errors import TrackingError, first_line
from idc.tracking.store import Store

Status = Literal["FINISHED", "FAILED", "KILLED"]
PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"
ERROR_TAG = "idc.error"
NOT_IN_NAMES = re.compile(r"[^\w.: /-]", re.ASCII)  # of metrics, as patients' names become
METRICS_BATCH = 1000  # metrics that the server takes at once
BATCH = 100  # parameters and tags that the server takes at once
VALUE_LIMIT = 6000  # characters of a parameter
TAG_LIMIT = 5000
FREE_TEXT = (ERROR_TAG, NOTE_TAG)
MESSAGES = (".txt", ".log")
TEXTS = (".yaml", ".txt", ".log", ".md", ".json")


class Run(Protocol):
    """What a run of the engine can leave behind."""

    @property
    def run_id(self) -> str | None:
        """The run's id in MLflow, or None."""

    @property
    def store(self) -> Store | None:
        """The store that the run is kept in, or None."""

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters; those that the run already holds keep their value."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log metrics; values that are not finite are left out.

        Characters that MLflow does not take in a name become ``_``.
        """

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags."""

    def artifacts(self, path: Path, under: str = "") -> None:
        """Store a file, or a folder's content, under a path of the run.

        A text file is stored without what must not be logged; see `idc.tracking.privacy`. The
        files of a folder are stored as they are: whoever writes them sees to that.
        """

    def dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        """Record the data as an input of the run."""

    def lightning_logger(self) -> Logger | Literal[False]:
        """A logger that writes to this run."""

    def end(self, status: Status) -> None:
        """Close the run."""


class RunLogger(MLFlowLogger):
    """Lightning's MLflow logger, but it leaves the run open, and counts epochs from 1."""

    @rank_zero_only
    def finalize(self, status: str = "success") -> None:
        """Do nothing; `Run.end` closes the run."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics; ``epoch`` counts from 1, where Lightning's counts from 0."""
        if "epoch" in metrics:
            metrics = {**metrics, "epoch": metrics["epoch"] + 1}
        super().log_metrics(metrics, step)

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing; the engine logs the whole configuration itself."""


class MlflowRun:
    """A run that is kept in MLflow.

    Args:
        store: Where.
        run_id: An existing run to go on with, or None for a new one.
        name: The run's name in the UI.
        parent: Run id of the sweep that it belongs to.
        reopen: Whether an existing run runs again; otherwise its status stays as it is, and more
            is added to what it holds.
    """

    def __init__(
        self,
        store: Store,
        run_id: str | None = None,
        name: str | None = None,
        parent: str | None = None,
        reopen: bool = True,
    ) -> None:
        self._store = store
        self.client = mlflow.MlflowClient(store.uri)
        try:
            self._run_id = self._begin(run_id, name, parent, reopen)
        except MlflowException as error:
            raise TrackingError(
                f"tracking: no run can be written to {store.uri} ({first_line(error)}). Check "
                f"that it may be written, or set tracking=none."
            ) from error

    def _begin(self, run_id: str | None, name: str | None, parent: str | None, reopen: bool) -> str:
        if run_id is None:
            tags = {PARENT_TAG: parent} if parent else {}
            name = None if name is None else self._clean(name)
            run = self.client.create_run(self._store.experiment_id, run_name=name, tags=tags)
            return str(run.info.run_id)
        if not reopen:
            return str(self.client.get_run(run_id).info.run_id)
        self.client.update_run(run_id, status="RUNNING")
        if ERROR_TAG in self.client.get_run(run_id).data.tags:
            self.client.delete_tag(run_id, ERROR_TAG)
        return run_id

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._run_id

    @property
    def store(self) -> Store:
        """The store that the run is kept in."""
        return self._store

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters; see `Run.params`. Values over 6,000 characters are cut."""
        # MLflow refuses to change a parameter; a resumed run logs the same ones again.
        known = self.client.get_run(self.run_id).data.params
        new = [
            Param(name, _text(self._store.redactor.value(str(v)), VALUE_LIMIT))
            for k, v in values.items()
            if (name := NOT_IN_NAMES.sub("_", k)) not in known
        ]
        for start in range(0, len(new), BATCH):
            self.client.log_batch(self.run_id, params=new[start : start + BATCH])

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log metrics; see `Run.metrics`."""
        now = int(time.time() * 1000)
        finite = {k: float(v) for k, v in values.items() if math.isfinite(v)}
        batch = [Metric(NOT_IN_NAMES.sub("_", k), v, now, step) for k, v in finite.items()]
        for start in range(0, len(batch), METRICS_BATCH):
            self.client.log_batch(self.run_id, metrics=batch[start : start + METRICS_BATCH])

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags; see `Run.tags`."""
        tags = []
        for k, v in values.items():
            clean = self._clean if k in FREE_TEXT else self._store.redactor.value
            tags.append(RunTag(k, _text(clean(str(v)), TAG_LIMIT)))
        for start in range(0, len(tags), BATCH):
            self.client.log_batch(self.run_id, tags=tags[start : start + BATCH])

    def artifacts(self, path: Path, under: str = "") -> None:
        """Store a file or a folder's content; see `Run.artifacts`."""
        if path.is_dir():
            self.client.log_artifacts(self.run_id, str(path), under or None)
        elif path.suffix in TEXTS and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            clean_text = self._clean if path.suffix in MESSAGES else self._store.redactor.value
            with tempfile.TemporaryDirectory() as folder:
                clean = Path(folder) / path.name
                clean.write_text(clean_text(text), encoding="utf-8")
                self.client.log_artifact(self.run_id, str(clean), under or None)
        elif path.is_file():
            self.client.log_artifact(self.run_id, str(path), under or None)

    def dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        """Record the data as an input; see `Run.dataset`."""
        data = Dataset(
            name=name,
            digest=digest,
            source_type="code",
            source="{}",
            profile=profile,
            schema=schema,
        )
        tag = InputTag("mlflow.data.context", context)
        self.client.log_inputs(self.run_id, datasets=[DatasetInput(dataset=data, tags=[tag])])

    def _clean(self, value: Any) -> str:
        return self._store.redactor.text(str(value))

    def lightning_logger(self) -> Logger:
        """A logger that writes to this run; see `Run.lightning_logger`."""
        return RunLogger(run_id=self.run_id, tracking_uri=self.store.uri)

    def end(self, status: Status) -> None:
        """Close the run; see `Run.end`."""
        self.client.set_terminated(self.run_id, status)


class NoRun:
    """Leaves nothing behind: ``tracking=none``, and every rank but the first."""

    run_id: None = None
    store: None = None

    def params(self, values: Mapping[str, Any]) -> None:
        """Do nothing."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Do nothing."""

    def tags(self, values: Mapping[str, Any]) -> None:
        """Do nothing."""

    def artifacts(self, path: Path, under: str = "") -> None:
        """Do nothing."""

    def dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        """Do nothing."""

    def lightning_logger(self) -> Literal[False]:
        """No logger."""
        return False

    def end(self, status: Status) -> None:
        """Do nothing."""


@contextmanager
def system_metrics(run: Run, every: float) -> Iterator[None]:
    """Log CPU, memory, disk, network and GPU use (with the extra ``gpu``) while inside.

    Args:
        run: The run; nothing happens unless it is kept in MLflow.
        every: Seconds between two samples.
    """
    if run.store is None or run.run_id is None:
        yield
        return
    monitor = SystemMetricsMonitor(
        run.run_id, sampling_interval=every, resume_logging=True, tracking_uri=run.store.uri
    )
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def _text(value: Any, limit: int) -> str:
    text = str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
