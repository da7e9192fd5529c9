"""A run in MLflow: what it logs goes to a journal on this disk, and from there to MLflow."""

import math
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import mlflow
from lightning_utilities.core.rank_zero import rank_zero_only
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from pytorch_lightning.loggers import Logger

from idc.errors import TrackingError, first_line
from idc.tracking.courier import courier_of
from idc.tracking.delivery import ERROR_TAG, JOURNAL_TAG, PARENT_TAG, is_refusal
from idc.tracking.journal import END, PROVISIONAL, About, Journal
from idc.tracking.names import entity_name
from idc.tracking.privacy import public
from idc.tracking.store import ANSWER_SECONDS, Store
from idc.tracking.waiting import within

Status = Literal["FINISHED", "FAILED", "KILLED"]
NOTE_TAG = "mlflow.note.content"
VALUE_LIMIT = 6000  # characters of a parameter
TAG_LIMIT = 5000
FREE_TEXT = (ERROR_TAG, NOTE_TAG)
MESSAGES = (".txt", ".log")
TEXTS = (".yaml", ".txt", ".log", ".md", ".json")


class Run(Protocol):
    """What a run can leave behind."""

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

        Names are made such that MLflow takes them; see `idc.tracking.names`.
        """

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags."""

    def artifacts(self, path: Path, under: str = "") -> None:
        """Store a file, or a folder's content, under a path of the run.

        A text file is stored without what must not be logged; see `idc.tracking.privacy`. The
        files of a folder are stored as they are: whoever writes them sees to that.
        """

    def model(self, folder: Path) -> None:
        """Store a model in MLflow's format, with the test metrics that the run has by now.

        Args:
            folder: With the file ``MLmodel``.
        """

    def dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        """Record the data as an input of the run."""

    def lightning_logger(self) -> Logger | Literal[False]:
        """A logger that writes to this run."""

    def end(self, status: Status) -> None:
        """Close the run."""


class RunLogger(Logger):
    """Lightning's way to a run: metrics go into its journal.

    The run stays open when training ends, as testing still follows; the configuration is logged by
    whoever opened the run.

    Args:
        run: The run.
    """

    def __init__(self, run: "MlflowRun") -> None:
        super().__init__()
        self._run = run

    @property
    def name(self) -> str:
        """The experiment's name."""
        assert self._run.store is not None
        return self._run.store.experiment

    @property
    def version(self) -> str:
        """The run's id."""
        return self._run.run_id

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics; ``epoch`` counts from 1, where Lightning's counts from 0."""
        if "epoch" in metrics:
            metrics = {**metrics, "epoch": metrics["epoch"] + 1}
        self._run.metrics(metrics, step or 0)

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""


class MlflowRun:
    """A run that is kept in MLflow.

    Whatever is logged is on this machine's disk when the call returns, and is delivered in order
    by another thread; see `idc.tracking.journal` and `idc.tracking.courier`.

    Args:
        store: Where.
        run_id: An existing run to go on with, or None for a new one.
        name: The run's name in the UI.
        parent: Run id of the sweep that it belongs to.
        reopen: Whether an existing run runs again; otherwise its status stays as it is, and more
            is added to what it holds.

    Raises:
        TrackingError: The store will not have a run, or the disk no journal. A store that does not
            answer is no error: a new run has a provisional id (``local-...``) until it does.
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
        self._courier = courier_of(store.uri, store.journals)
        provisional = f"{PROVISIONAL}{uuid.uuid4().hex}"
        start = _now()
        name = None if name is None else self._clean(name)
        new = run_id is None
        if run_id is None:
            run_id = self._create(name, parent, provisional, start) or provisional
        self._run_id = self._courier.ids.resolve(run_id) or run_id
        about = About(
            self._run_id,
            public(store.uri),
            store.experiment,
            owner=new or reopen,
            secret=public(store.uri) != store.uri,
        )
        try:
            self._journal = Journal.create(store.journals, about)
            if self._run_id == provisional:
                self._log("create", name=name, parent=parent, start=start)
            elif reopen and not new:
                self._log("reopen")
        except OSError as error:
            raise TrackingError(
                f"tracking: cannot write to {store.journals} ({error.strerror or error}). Set "
                f"paths.mlruns to a folder that can be written, or tracking=none."
            ) from error
        self.resumed = not new
        self._courier.carry(self._journal)

    def _create(self, name: str | None, parent: str | None, token: str, start: int) -> str | None:
        """Create the run now, so that it has its id from the start; None if nobody answers."""
        if not self._store.experiment_id or self._courier.away:
            return None
        parent = parent and self._courier.ids.resolve(parent)
        tags = {JOURNAL_TAG: token, **({PARENT_TAG: parent} if parent else {})}
        client, experiment = mlflow.MlflowClient(self._store.uri), self._store.experiment_id
        try:
            run = within(ANSWER_SECONDS, lambda: client.create_run(experiment, start, tags, name))
        except (TimeoutError, MlflowException) as error:
            if self._store.is_server and not is_refusal(error):
                return None
            raise TrackingError(
                f"tracking: no run can be written to {public(self._store.uri)} "
                f"({first_line(error)}). Check that it may be written, or set tracking=none."
            ) from error
        return str(run.info.run_id)

    @property
    def run_id(self) -> str:
        """The run's id; as soon as there is one, that in its store."""
        self._run_id = self._courier.ids.resolve(self._run_id) or self._run_id
        return self._run_id

    @property
    def store(self) -> Store:
        """The store that the run is kept in."""
        return self._store

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters; see `Run.params`. Values over 6,000 characters are cut."""
        redacted = self._store.redactor.value
        self._log(
            "params",
            values={
                entity_name(k): _text(redacted(str(v)), VALUE_LIMIT) for k, v in values.items()
            },
        )

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log metrics; see `Run.metrics`."""
        finite = {entity_name(k): float(v) for k, v in values.items() if math.isfinite(v)}
        if finite:
            self._log("metrics", values=finite, step=step, time=_now())

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags; see `Run.tags`."""
        tags = {}
        for k, v in values.items():
            clean = self._clean if k in FREE_TEXT else self._store.redactor.value
            tags[entity_name(k)] = _text(clean(str(v)), TAG_LIMIT)
        self._log("tags", values=tags)

    def artifacts(self, path: Path, under: str = "") -> None:
        """Store a file or a folder's content; see `Run.artifacts`."""
        if path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file()):
                inside = file.parent.relative_to(path).as_posix()
                self._artifact(file, "/".join(part for part in (under, inside) if part != "."))
        elif path.suffix in TEXTS and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            clean_text = self._clean if path.suffix in MESSAGES else self._store.redactor.value
            with tempfile.TemporaryDirectory() as folder:
                clean = Path(folder) / path.name
                clean.write_text(clean_text(text), encoding="utf-8")
                self._artifact(clean, under)
        elif path.is_file():
            self._artifact(path, under)

    def _artifact(self, path: Path, under: str) -> None:
        self._log("artifact", file=self._journal.keep(path), under=under)

    def model(self, folder: Path) -> None:
        """Store a model; see `Run.model`."""
        self._log("model", folder=self._journal.keep(folder), token=uuid.uuid4().hex)

    def dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        """Record the data as an input; see `Run.dataset`."""
        self._log(
            "dataset", name=name, digest=digest, context=context, profile=profile, schema=schema
        )

    def _log(self, kind: str, **fields: Any) -> None:
        self._journal.append(kind, **fields)
        self._courier.hurry()

    def _clean(self, value: Any) -> str:
        return self._store.redactor.text(str(value))

    def lightning_logger(self) -> Logger:
        """A logger that writes to this run; see `Run.lightning_logger`."""
        return RunLogger(self)

    def end(self, status: Status) -> None:
        """Close the run and wait for its store, as long as that answers; see `Run.end`."""
        now = _now()
        try:
            self._journal.append(END, durable=True, status=status, time=now)
        except OSError:
            # A full disk must not keep a store on another one from hearing of the end.
            self._courier.settle()
            client = mlflow.MlflowClient(self._store.uri)
            within(ANSWER_SECONDS, lambda: client.set_terminated(self.run_id, status, now))
            raise
        self._courier.settle()
        self._courier.release(self._journal)


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

    def model(self, folder: Path) -> None:
        """Do nothing."""

    def dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        """Do nothing."""

    def lightning_logger(self) -> Literal[False]:
        """No logger."""
        return False

    def end(self, status: Status) -> None:
        """Do nothing."""


class _Monitor(SystemMetricsMonitor):
    """MLflow's, but that its samples go into the journal and it needs no answers meanwhile."""

    def __init__(self, run: Run, every: float) -> None:
        assert run.store is not None
        resumed = isinstance(run, MlflowRun) and run.resumed
        super().__init__(
            run.run_id,
            sampling_interval=every,
            resume_logging=resumed,  # its steps follow those before
            tracking_uri=run.store.uri,
        )
        self._run = run

    def monitor(self) -> None:
        """Take a sample every while, until `finish`."""
        while True:
            self.collect_metrics()
            if self._shutdown_event.wait(self.sampling_interval):
                return
            values = {f"system/{k}": v for k, v in self.aggregate_metrics().items()}
            try:
                self._run.metrics(values, self._logging_step)
            except OSError:
                return  # the disk is full: whoever trains will say so
            self._logging_step += 1
            for monitor in self.monitors:
                monitor.clear_metrics()


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
    monitor = _Monitor(run, every)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def _now() -> int:
    """Milliseconds since 1970, as MLflow counts time."""
    return int(time.time() * 1000)


def _text(value: Any, limit: int) -> str:
    text = str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
