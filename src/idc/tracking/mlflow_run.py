"""A run in MLflow, logged to a journal on the local disk and from there to MLflow."""

import math
import tempfile
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow
from lightning_utilities.core.rank_zero import rank_zero_only
from mlflow.exceptions import MlflowException
from pytorch_lightning.loggers import Logger

from idc.errors import TrackingError, first_line
from idc.tracking.courier import courier_of
from idc.tracking.entity_names import entity_name
from idc.tracking.journal import END, PROVISIONAL, About, Journal
from idc.tracking.journal_delivery import (
    ERROR_TAG,
    JOURNAL_TAG,
    MESSAGES,
    PARENT_TAG,
    TEXTS,
    is_refusal,
)
from idc.tracking.metric_table import (
    FOLDER,
    LATER,
    TABLE,
    headline_first,
    is_shown,
    write_table,
)
from idc.tracking.mlflow_store import ANSWER_SECONDS, MlflowStore
from idc.tracking.privacy import public
from idc.tracking.run_protocol import Run, Status
from idc.tracking.waiting import within

NOTE_TAG = "mlflow.note.content"
VALUE_LIMIT = 6000  # characters of a parameter
TAG_LIMIT = 5000
FREE_TEXT = (ERROR_TAG, NOTE_TAG)


class RunLogger(Logger):
    """Lightning logger that writes metrics to a run's journal.

    The run stays open when training ends, as testing follows. The configuration is logged by the
    code that opened the run.

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
        """Log metrics without the epoch, which the step and ``training/history.csv`` tell."""
        self._run.metrics({k: v for k, v in metrics.items() if k != "epoch"}, step or 0)

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""


class MlflowRun(Run):
    """A run that is logged to MLflow.

    Logged data are on the local disk when a call returns, and are delivered in order by another
    thread; see `idc.tracking.journal` and `idc.tracking.courier`.

    Args:
        store: The store.
        run_id: An existing run to continue, or None for a new one.
        name: The run's name in the UI.
        parent: Run id of the sweep that it belongs to.
        tags: Tags that a new run has from its creation on.
        reopen: Whether an existing run is set to RUNNING again; otherwise its status is kept.

    Raises:
        TrackingError: The store refuses to create a run, or the journal cannot be written. An
            unreachable store is not an error: a new run then has a provisional id (``local-...``).
    """

    def __init__(
        self,
        store: MlflowStore,
        run_id: str | None = None,
        name: str | None = None,
        parent: str | None = None,
        tags: Mapping[str, str] | None = None,
        reopen: bool = True,
    ) -> None:
        self._store = store
        self._courier = courier_of(store.uri, store.journals)
        provisional = f"{PROVISIONAL}{uuid.uuid4().hex}"
        start = _now()
        name = None if name is None else self._clean(name)
        new = run_id is None
        if run_id is None:
            run_id = self._create(name, parent, provisional, start, tags or {}) or provisional
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
                self._log("create", name=name, parent=parent, start=start, tags=dict(tags or {}))
            elif reopen and not new:
                self._log("reopen")
        except OSError as error:
            raise TrackingError(
                f"tracking: cannot write to {store.journals} ({error.strerror or error}). Set "
                f"paths.mlruns to a folder that can be written, or tracking=none."
            ) from error
        self.resumed = not new
        self._table: dict[str, float] = {}
        later = LATER.format(time=f"{datetime.now():%Y-%m-%dT%H.%M.%S.%f}")
        self._table_name = TABLE if new or reopen else later
        self._courier.add(self._journal)

    def _create(
        self, name: str | None, parent: str | None, token: str, start: int, tags: Mapping[str, str]
    ) -> str | None:
        """Create the run now, so that it has its final id; None if the store is unreachable."""
        if not self._store.experiment_id or self._courier.away:
            return None
        parent = parent and self._courier.ids.resolve(parent)
        own = {**tags, JOURNAL_TAG: token, **({PARENT_TAG: parent} if parent else {})}
        client, experiment = mlflow.MlflowClient(self._store.uri), self._store.experiment_id
        try:
            run = within(ANSWER_SECONDS, lambda: client.create_run(experiment, start, own, name))
        except (TimeoutError, MlflowException) as error:
            if self._store.is_server and not is_refusal(error):
                return None
            raise TrackingError(
                f"tracking: cannot create a run in {public(self._store.uri)} "
                f"({first_line(error)}). Check that it is writable, or set tracking=none."
            ) from error
        return str(run.info.run_id)

    @property
    def run_id(self) -> str:
        """The run's id in its store; a provisional one until it has been delivered."""
        self._run_id = self._courier.ids.resolve(self._run_id) or self._run_id
        return self._run_id

    @property
    def store(self) -> MlflowStore:
        """The run's store."""
        return self._store

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters; values over 6,000 characters are truncated."""
        redacted = self._store.redactor.value
        self._log(
            "params",
            values={
                entity_name(k): _text(redacted(str(v)), VALUE_LIMIT) for k, v in values.items()
            },
        )

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics; see `Run.metrics`."""
        finite = {entity_name(k): float(v) for k, v in values.items() if math.isfinite(v)}
        shown = {k: v for k, v in finite.items() if step is not None or is_shown(k)}
        if shown:
            self._log("metrics", values=headline_first(shown), step=step or 0, time=_now())
        if len(finite) > len(shown):
            self._table |= {k: v for k, v in finite.items() if k not in shown}
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / self._table_name
                write_table(self._table, path)
                self._artifact(path, FOLDER)

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags; see `Run.tags`."""
        tags = {}
        for k, v in values.items():
            clean = self._clean if k in FREE_TEXT else self._store.redactor.value
            tags[entity_name(k)] = _text(clean(str(v)), TAG_LIMIT)
        self._log("tags", values=tags)

    def artifacts(self, path: Path, under: str = "") -> None:
        """Log a file or the content of a folder; see `Run.artifacts`."""
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
        """Log a model; see `Run.model`."""
        self._log("model", folder=self._journal.keep(folder), token=uuid.uuid4().hex)

    def dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        """Record the data as an input; see `Run.dataset`."""
        self._log(
            "dataset", name=name, digest=digest, context=context, profile=profile, schema=schema
        )

    def _log(self, kind: str, **fields: Any) -> None:
        self._journal.append(kind, **fields)
        self._courier.wake()

    def _clean(self, value: Any) -> str:
        return self._store.redactor.text(str(value))

    def lightning_logger(self) -> Logger:
        """A Lightning logger that writes to this run; see `Run.lightning_logger`."""
        return RunLogger(self)

    def end(self, status: Status) -> None:
        """Close the run and, if the store is reachable, wait for delivery; see `Run.end`."""
        now = _now()
        try:
            self._journal.append(END, durable=True, status=status, time=now)
        except OSError:
            # With the journal's disk full, the store on another disk can still be updated.
            self._courier.flush()
            client = mlflow.MlflowClient(self._store.uri)
            within(ANSWER_SECONDS, lambda: client.set_terminated(self.run_id, status, now))
            raise
        self._courier.flush()
        self._courier.release(self._journal)


def _now() -> int:
    """Milliseconds since 1970, as MLflow counts time."""
    return int(time.time() * 1000)


def _text(value: Any, limit: int) -> str:
    text = str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
