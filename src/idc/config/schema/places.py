"""Options of where things are kept, logged and launched."""

from typing import Literal

from idc.config.schema.kinds import AtLeast0, AtLeast1, Name, Positive, Seed
from idc.config.schema.option import option, part


@part
class Paths:
    """Folders; relative ones are relative to where the command is typed."""

    root: str = option("${oc.env:IDC_ROOT,.}", "where everything is kept; IDC_ROOT")
    runs: str = option("${.root}/runs", "folders of runs")
    mlruns: str = option("${.root}/mlruns", "MLflow's store and the journal")
    stores: str = option("${.root}/stores", "patch stores; a local disk that has room")


@part
class Tracking:
    """MLflow."""

    kind: Literal["local", "server", "none"] = option("local", "set by tracking=...")
    uri: str | None = option("${oc.env:MLFLOW_TRACKING_URI,null}", "MLFLOW_TRACKING_URI")
    experiment: Name = option("idc", "the MLflow experiment")
    require: bool = option(
        False, "a server that is away ends the command; else what is logged waits"
    )
    log_model: bool = option(True, "log the model")
    log_checkpoints: bool = option(True, "log the checkpoints")
    system_metrics: bool = option(
        False, "log CPU, memory, disk, network and GPU use, which MLflow lists before all results"
    )
    system_metrics_interval: Positive = option(10, "seconds between them")
    log_paths: bool = option(False, "log absolute paths and the host's name")
    pseudonymise: bool = option(False, "keyed hashes for patients; the key: IDC_PSEUDONYM_KEY")


@part
class Launcher:
    """Who runs the jobs of a sweep."""

    jobs: AtLeast1 = option(help="joblib: jobs at once")
    partition: str | None = option(help="slurm: partition")
    gpus: AtLeast0 = option(help="slurm: GPUs per job")
    cpus: AtLeast1 = option(help="slurm: cores per job")
    memory_gb: Positive = option(help="slurm: memory per job")
    minutes: AtLeast1 = option(help="slurm: time limit")


@part
class Search:
    """A hyperparameter search with Optuna: -m hydra/sweeper=optuna, or a choice of search."""

    n_trials: AtLeast1 = option(20, "trials")
    n_jobs: AtLeast1 | None = option(None, "trials at once; null: launcher.jobs, or one")
    sampler: Literal["tpe", "random", "grid", "cmaes"] = option(
        "tpe", "what chooses the next trial; grid: all combinations; cmaes needs that package"
    )
    pruner: Literal["median", "hyperband", "none"] = option(
        "median", "what stops a trial early, by monitor.metric after each epoch"
    )
    startup_trials: AtLeast0 = option(5, "trials at random first, during which none is stopped")
    warmup_epochs: AtLeast0 = option(1, "epochs of a trial during which it is not stopped")
    seed: Seed = option(0, "seed of the sampler")


@part
class Sweep:
    """A sweep's parent run."""

    resume: str | None = option(None, "id of an interrupted sweep: only what is missing is run")
