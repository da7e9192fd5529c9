"""A hyperparameter search with Optuna: its trials, one after the other or several at once.

The study is a file in the sweep's folder, which the jobs reach too; a copy of it is an artifact of
the parent run after every batch of trials, so that ``sweep.resume`` goes on with it anywhere.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import groupby, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

from idc.config.check import check_value
from idc.errors import ConfigError, MissingArtifactError
from idc.launch.search_space import Space, read_space
from idc.launch.sweep_record import StartedJob, Sweep, registered
from idc.runtime.outcome import Outcome, load_outcome
from idc.runtime.seeding import derive_seed

if TYPE_CHECKING:  # an extra
    from optuna import Study
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as Asked

    from idc.tracking.mlflow_store import MlflowStore

log = logging.getLogger(__name__)
FOLDER = "search"  # of the sweep's folder and of the parent's artifacts
JOURNAL = "study.jsonl"
OPTIONS = (*("n_trials", "n_jobs", "sampler", "pruner", "startup_trials", "warmup_epochs", "seed"),)
VALUES, REPEATS, RUN = "values", "repeats", "run"  # what is noted of a trial


def is_search(config: DictConfig) -> bool:
    """Whether Optuna is the sweeper of a composed configuration."""
    return str(config.hydra.sweeper._target_).endswith(".OptunaSweeper")


def check_search(config: DictConfig) -> None:
    """Refuse a search that cannot work, before the sweep is opened.

    Raises:
        ConfigError: Optuna is not installed, or an option or the space is wrong.
    """
    if find_spec("optuna") is None:
        raise ConfigError(
            "hydra/sweeper=optuna needs the package optuna: install idc with its extra, "
            "idc[optuna]."
        )
    options = config.hydra.sweeper
    for name in OPTIONS:
        check_value(f"search.{name}", options[name])
    if options.sampler == "cmaes" and find_spec("cmaes") is None:
        raise ConfigError("search.sampler=cmaes needs the package cmaes: pip install cmaes.")
    space = read_space(config)
    if options.sampler == "grid":
        _grid(space)


def describe_search(config: DictConfig, folder: Path) -> dict[str, Any]:
    """What the trials must know, as `idc.pipelines.trial.Search` takes it."""
    options = config.hydra.sweeper
    return {
        "journal": str(folder / FOLDER / JOURNAL),
        "metric": str(config.monitor.metric),
        "mode": str(config.monitor.mode),
        **{name: options[name] for name in ("pruner", "startup_trials", "warmup_epochs")},
    }


def open_study(sweep: Sweep) -> "Study":
    """The sweep's study."""
    from idc.pipelines.trial import Search

    assert sweep.search is not None
    return Search(**sweep.search).open()


def bring_study(sweep: Sweep, store: "MlflowStore") -> None:
    """Bring the study of an interrupted search, unless it is in the sweep's folder.

    Raises:
        ConfigError: It is neither there nor in the store.
    """
    from idc.tracking.lookup import fetch_artifact

    assert sweep.search is not None
    assert sweep.parent is not None
    path = Path(sweep.search["journal"])
    if not path.is_file():
        try:
            fetch_artifact(store, sweep.parent, f"{FOLDER}/{JOURNAL}", sweep.folder)
        except MissingArtifactError as error:
            raise ConfigError(
                f"sweep.resume={sweep.parent}: its study is neither logged nor in {path.parent}; "
                f"give hydra.sweep.dir=DIR, the folder of that sweep."
            ) from error
    text = path.read_bytes()
    path.write_bytes(text[: text.rfind(b"\n") + 1])  # a kill may leave half a line


def run_trials(config: DictConfig, launcher: Launcher) -> list[Sequence[JobReturn]]:
    """Run the trials that are missing; what they reach is in the study and in their runs."""
    from idc.launch.sweep import opened

    sweep, options = opened(), config.hydra.sweeper
    space, study, returns = read_space(config), open_study(sweep), []
    _take_up(study)
    if options.sampler == "grid":
        for parameters in _grid(space):
            study.enqueue_trial(parameters, skip_if_exists=True)
    at_once = int(options.n_jobs or OmegaConf.select(config, "launcher.jobs") or 1)
    while batch := _ask(study, space, options, at_once):
        # Jobs are numbered on from the first, and a trial's job has its number.
        for _, group in groupby(enumerate(batch), lambda pair: pair[1].number - pair[0]):
            trials = [trial for _, trial in group]
            jobs = [[*space.fixed, *_overrides(trial)] for trial in trials]
            results = launcher.launch(jobs, initial_job_idx=trials[0].number)
            for result in results:
                _ = result.return_value  # raises what the job raised
            started = {job.number: job for job in registered(sweep.folder)}
            for trial in trials:
                _tell(study, trial, started.get(trial.number), sweep)
            returns.append(results)
        _log_study(sweep)
    return returns


def _overrides(trial: "Asked") -> list[str]:
    return [f"{key}={value}" for key, value in trial.user_attrs[VALUES].items()]


def repeated(trials: Sequence["FrozenTrial"]) -> set[int]:
    """Numbers of the trials that were cut short or failed, and were put in line again."""
    return {trial.user_attrs[REPEATS] for trial in trials if REPEATS in trial.user_attrs}


def _take_up(study: "Study") -> None:
    """Mark what an earlier attempt did not end as failed, and put it in line again."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    again = repeated(trials)
    for trial in trials:
        if trial.state == TrialState.RUNNING:
            study.tell(trial.number, state=TrialState.FAIL)
        if trial.state in (TrialState.RUNNING, TrialState.FAIL) and trial.number not in again:
            study.enqueue_trial(trial.params, user_attrs={REPEATS: trial.number})


def _ask(study: "Study", space: Space, options: Any, at_once: int) -> list["Asked"]:
    """The next trials; one whose values were tried already takes over what they reached."""
    from optuna.trial import TrialState

    batch: list[Asked] = []
    while len(batch) < at_once:
        trials = study.get_trials(deepcopy=False)
        waiting = [trial for trial in trials if trial.state == TrialState.WAITING]
        tried = [one for one in trials if one not in waiting and one.number not in repeated(trials)]
        if len(tried) >= options.n_trials or (options.sampler == "grid" and not waiting):
            break
        # Of the number of trials: a search that is resumed draws as an unbroken one.
        study.sampler = _sampler(options, derive_seed(options.seed, len(tried)), at_once)
        trial = study.ask(fixed_distributions=dict(space.distributions))
        values = space.values(trial.params)
        trial.set_user_attr(VALUES, values)
        done = [one for one in tried if one.state == TrialState.COMPLETE]
        same = next((one for one in done if one.user_attrs[VALUES] == values), None)
        if same is None:
            batch.append(trial)
        else:
            log.info("trial %d is trial %d once more", trial.number, same.number)
            trial.set_user_attr(RUN, same.user_attrs.get(RUN))
            study.tell(trial, same.value)
    return batch


def _sampler(options: Any, seed: int, at_once: int) -> "BaseSampler":
    from optuna import samplers

    seed %= 2**32
    if options.sampler == "tpe":
        return samplers.TPESampler(
            n_startup_trials=options.startup_trials, seed=seed, constant_liar=at_once > 1
        )
    if options.sampler == "cmaes":
        return samplers.CmaEsSampler(
            n_startup_trials=options.startup_trials, seed=seed, warn_independent_sampling=False
        )
    return samplers.RandomSampler(seed)


def _grid(space: Space) -> Iterator[Mapping[str, Any]]:
    """All combinations of a space.

    Raises:
        ConfigError: It holds an interval.
    """
    columns: list[list[Any]] = []
    for key, one in space.distributions.items():
        drawn: Any = one
        if hasattr(drawn, "choices"):
            columns.append(list(drawn.choices))
        elif getattr(drawn, "step", None) and not drawn.log:
            count = round((drawn.high - drawn.low) / drawn.step) + 1
            columns.append([drawn.low + number * drawn.step for number in range(count)])
        else:
            raise ConfigError(
                f"search.sampler=grid: {key} is an interval; give its values as choice(...) or "
                f"range(...), or choose search.sampler=tpe."
            )
    return (dict(zip(space.distributions, row, strict=True)) for row in product(*columns))


def _tell(study: "Study", trial: "Asked", job: StartedJob | None, sweep: Sweep) -> None:
    """Tell the study what became of a trial's job, and tag the run of one that failed."""
    from optuna.trial import TrialState

    from idc.launch.parent import trial_of_run
    from idc.pipelines.trial import FAILED, NUMBER_TAG, STATE_TAG

    if job is not None and job.done is not None:  # by an attempt that could not tell it any more
        outcome: Outcome | None = trial_of_run(sweep, job.done)
    else:
        outcome = None if job is None else load_outcome(job.folder)
    if outcome is not None:
        trial.set_user_attr(RUN, outcome.run_id)
    if outcome is not None and outcome.status == "FINISHED" and outcome.objective is not None:
        if outcome.pruned:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, outcome.objective)
        return
    study.tell(trial, state=TrialState.FAIL)
    if outcome is not None and (run := sweep.child(outcome.run_id)) is not None:
        run.tags({NUMBER_TAG: trial.number, STATE_TAG: FAILED})


def _log_study(sweep: Sweep) -> None:
    assert sweep.search is not None
    if (run := sweep.child(sweep.parent)) is not None:
        run.artifacts(Path(sweep.search["journal"]), FOLDER)
