"""One training as the command line describes it, and its start in several processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from idc.config.build import Config
from idc.errors import first_line
from idc.pipelines.lifecycle import STOPPED, close_for
from idc.pipelines.trial import Trial
from idc.runtime.outcome import Outcome, load_outcome
from idc.runtime.ranks import RankError, launch_ranks
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore


@dataclass(frozen=True)
class Job:
    """One training, as the command line or a sweep describes it.

    Attributes:
        config: The resolved configuration.
        folder: The job's output folder.
        overrides: The job's own overrides, without those of the sweep.
        name: The run's name.
        settings: The swept values, name to value; empty outside a sweep.
        parent: Run id of the sweep, or None.
        hydra_arguments: Arguments with which a rank's process composes the same configuration.
        trial: Of a hyperparameter search, what reports to it.
        mirrors: Values that repeat another; see `idc.config.values.mirrors_of`.
    """

    config: Config
    folder: Path
    overrides: Sequence[str] = ()
    name: str = "run"
    settings: dict[str, str] = field(default_factory=dict)
    parent: str | None = None
    hydra_arguments: Sequence[str] = ()
    mirrors: Mapping[str, str] = field(default_factory=dict)
    trial: Trial | None = None


def run_in_ranks(job: Job, processes: int, store: MlflowStore | None) -> Outcome:
    """Run a job in one process per device, and wait for them.

    A run that its process could not close is closed here.

    Raises:
        RankError: A process failed; it has printed why.
        KeyboardInterrupt: It was stopped.
    """
    failure: BaseException | None = None
    try:
        launch_ranks(processes, [*job.hydra_arguments, *job.overrides], job.folder)
    except (RankError, KeyboardInterrupt) as error:
        failure = error
    outcome = load_outcome(job.folder) or Outcome(job.name, settings=job.settings)
    new = job.parent and not job.config["resume"]
    if failure is not None and outcome.run_id is None and store and new:
        # Another rank failed before the first had opened the run: the sweep shows that it failed.
        outcome.run_id = MlflowRun(store, name=job.name, parent=job.parent).run_id
    if outcome.status == "RUNNING" and isinstance(failure, KeyboardInterrupt):
        close_for(store, outcome, job.folder, "KILLED", str(failure) or STOPPED)
    elif isinstance(failure, RankError):
        # The first rank may have been ended for another one's error, and have recorded that.
        ended = outcome.status == "KILLED" and not failure.stopped
        if outcome.status == "RUNNING" or ended:
            close_for(store, outcome, job.folder, "FAILED", first_line(failure))
    if failure is not None:
        raise failure
    return outcome
