"""A comparison: what Hydra knows of it becomes what a pipeline needs, and a run of its own."""

import shlex
import sys
from contextlib import ExitStack
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from idc.comparison.fetch import chosen_runs
from idc.comparison.leaderboard import METRICS
from idc.config.build import Config
from idc.errors import ConfigError
from idc.launch.app import telling
from idc.launch.composed import composed
from idc.launch.table import print_comparison, print_where
from idc.pipelines.compare import COMPARISON, EVALUATION, Compared, compare_runs
from idc.pipelines.lifecycle import LOG_FILE, configured_store, lifecycle
from idc.pipelines.validate import check_values
from idc.runtime import signals
from idc.runtime.outcome import Outcome
from idc.tracking.alive import locked
from idc.tracking.mlflow_run import NOTE_TAG, MlflowRun
from idc.tracking.provenance import flatten, origin_tags

KIND = "compare"


def run(cfg: DictConfig) -> None:
    """Compare the runs of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it.
    """
    with telling():
        config, folder = composed(cfg)
        outcome, found = _compare(config, folder)
    print_comparison(found.board, list(METRICS), found.sentences, found.notes)
    console = Console(soft_wrap=True)
    console.print(f"report: {folder / EVALUATION / 'report.html'}")
    print_where(console, outcome, config, folder)


def _compare(config: Config, folder: Path) -> tuple[Outcome, Compared]:
    check_values(config)
    if config["experiment_name"]:
        config = {
            **config,
            "tracking": {**config["tracking"], "experiment": config["experiment_name"]},
        }
    store = configured_store(config)
    if store is None:
        raise ConfigError("tracking=none: runs can only be found where they are tracked.")
    # What cannot be compared leaves no run behind.
    runs = chosen_runs(
        store, config["runs"], config["sweep"], bool(config["experiment_name"]), folder / "runs"
    )
    if not runs:
        raise ConfigError("compare: none of what is named has finished; there is nothing to see.")
    outcomes = [one.outcome for one in runs]
    name = str(config["name"] or f"comparison of {len(runs)} runs")
    command = shlex.join(["python", "-m", "idc.compare", *sys.argv[1:]])
    found = compare_runs(runs, outcomes, config, folder, name, command, store.redactor, strict=True)
    classes = runs[0].outcome.class_names
    outcome = Outcome(name, class_names=classes, notes=found.notes, kind=KIND)
    with ExitStack() as stack:
        with signals.deferred():  # a run that is open will be closed
            logged = MlflowRun(store, name=name)
            outcome.run_id = logged.run_id
            stack.enter_context(locked(Path(config["paths"]["mlruns"]), logged.run_id, "run"))
            stack.enter_context(lifecycle(logged, outcome, folder, LOG_FILE))
        ids = ",".join(str(o.run_id) for o in outcomes)
        logged.tags({**origin_tags("idc.compare"), "idc.kind": KIND, "idc.compares": ids})
        logged.params(
            {
                "compared.runs": ids,
                "compared.settings": "; ".join(found.board["setting"]),
                **{name: config[name] for name in ("sweep", "experiment_name")},
                **flatten({"intervals": config["intervals"]}),
            }
        )
        logged.metrics(found.metrics)
        outcome.metrics = found.metrics
        told = [*found.notes, *found.sentences]
        logged.tags({NOTE_TAG: "\n".join(f"- {sentence}" for sentence in told)})
        for part in (COMPARISON, EVALUATION):
            logged.artifacts(folder / part, part)
    return outcome, found
