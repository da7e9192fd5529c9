"""An open run, with what every step that records something needs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from idc.config.build import Config
from idc.pipelines.lifecycle import LOG_FILE, lifecycle
from idc.reports.description import Place
from idc.runtime import signals
from idc.runtime.cost import Cost
from idc.runtime.outcome import Outcome
from idc.tracking.alive import locked
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.privacy import Redactor
from idc.tracking.run_protocol import Run


@dataclass
class RunContext:
    """A run that is being made.

    Attributes:
        outcome: Its name, kind, class names, metrics and notes, filled in on the way.
        config: Its resolved configuration; of an evaluation, that of the trained run.
        folder: Its folder.
        redactor: Takes out of texts what must not be logged.
        run: The open MLflow run.
        costs: Cost of each stage, by its name (``train``, ``evaluate``).
        evaluates: Ids of the trained runs that it evaluates; empty for a training.
    """

    outcome: Outcome
    config: Config
    folder: Path
    redactor: Redactor
    run: Run = field(default_factory=Run)
    costs: dict[str, Cost] = field(default_factory=dict)
    evaluates: Sequence[str] = ()

    @property
    def place(self) -> Place:
        """Where the run is in MLflow, for links."""
        store = self.run.store
        return Place(self.run.run_id or "", store.experiment_id if store else "")

    @property
    def shown(self) -> Config:
        """The configuration without what must not be logged."""
        return self.redactor.config(self.config)


@contextmanager
def tracked_run(
    store: MlflowStore | None,
    context: RunContext,
    parent: str | None = None,
    run_id: str | None = None,
    log_name: str = LOG_FILE,
    tags: Mapping[str, str] | None = None,
) -> Iterator[Run]:
    """Create or reopen a run, and keep its status true until it is closed; see `lifecycle`.

    Args:
        store: The MLflow store, or None without tracking.
        context: Of the run, with its outcome's name; the run and the outcome's run id are set.
        parent: Id of the parent run, or None.
        run_id: The run to reopen, which the caller has locked; None for a new one.
        log_name: The console log's name among the artifacts.
        tags: Tags that a new run has from its creation on.
    """
    outcome, mlruns = context.outcome, Path(context.config["paths"]["mlruns"])
    with ExitStack() as stack:
        with signals.deferred():  # a run that is open will be closed
            run = MlflowRun(store, run_id, outcome.name, parent, tags) if store else Run()
            context.run = run
            if run_id is None:
                stack.enter_context(locked(mlruns, run.run_id, "run"))
            outcome.run_id = run.run_id
            stack.enter_context(lifecycle(run, outcome, context.folder, log_name))
        yield run
