"""One run, from a resolved configuration to everything that it leaves behind."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytorch_lightning as pl
import torch

from idc.config.build import Config, build
from idc.data.datamodule import PatchDataModule
from idc.data.material import Material
from idc.data.split.base import splits_of_patients
from idc.errors import TrainingError, first_line
from idc.evaluation.evaluate import Evaluation, evaluate
from idc.metrics.calibration import CalibrationRule
from idc.models.checkpoint import load_checkpoint
from idc.models.classifier import PatchClassifier
from idc.pipelines.build import (
    build_classifier,
    build_datamodule,
    build_trainer,
    check_backbone,
)
from idc.pipelines.callbacks import CHECKPOINTS
from idc.pipelines.dataset import load_material
from idc.pipelines.evaluation_artifacts import record_evaluation, record_explanation, record_model
from idc.pipelines.lifecycle import (
    LOG_FILE,
    STOPPED,
    build_redactor,
    close_for,
    configured_store,
    lifecycle,
    lightning_interrupts,
    mark_ended,
)
from idc.pipelines.report_inputs import Account
from idc.pipelines.resume import ResumePoint, resume_point, split_identity
from idc.pipelines.training_artifacts import (
    record_config,
    record_inputs,
    record_place,
    record_training,
)
from idc.pipelines.validate import check_config
from idc.runtime import signals
from idc.runtime.cost import Meter
from idc.runtime.hardware import count_processes, global_rank, is_rank
from idc.runtime.outcome import Outcome, load_outcome
from idc.runtime.ranks import launch_ranks, leave_ranks
from idc.tracking.alive import locked
from idc.tracking.mlflow_run import MlflowRun, NoRun, Run, system_metrics
from idc.tracking.mlflow_store import MlflowStore, restored_tracking_uri
from idc.tracking.privacy import Redactor, hidden_values

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What an app hands to its pipeline.

    Attributes:
        config: The resolved configuration.
        folder: The job's output folder.
        overrides: The job's own overrides, none of them a sweep.
        name: The run's name.
        settings: The swept values, name to value; empty outside a sweep.
        parent: Run id of the sweep, or None.
        hydra_arguments: What a rank's process needs to compose the same configuration.
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


def run_job(job: Job) -> Outcome:
    """Do a job, in this process or, on several devices, in one process a device.

    Raises:
        IdcError: Something that the user can mend.
        KeyboardInterrupt: The user stopped it.
    """
    first = global_rank() == 0
    store = configured_store(job.config) if job.config["resume"] else None
    point = _resume(job, store, first)
    config = point.config if point else job.config
    run_id = point.run_id if point else None
    check_config(config)
    if point is None:
        check_backbone(config)
    processes = count_processes(config)
    # Not before the values are known to be fine: a refused job leaves nothing behind.
    if first and store is None:
        store = configured_store(job.config, reads=False)
    mlruns = Path(config["paths"]["mlruns"])
    if processes > 1 and not is_rank():
        with locked(mlruns, run_id, f"resume={run_id}"):
            pass  # refused here rather than by the first rank, which holds the lock
        return _run_in_ranks(job, processes, store)
    outcome = Outcome(job.name, settings=job.settings)
    with ExitStack() as stack:
        stack.enter_context(restored_tracking_uri())
        root = config["paths"]["root"]
        redactor = store.redactor if store else build_redactor(config["tracking"], root)
        redactor.register_paths(hidden_values(config).values())
        if point is not None and first:
            before = stack.enter_context(locked(mlruns, run_id, f"resume={run_id}"))
            if before is not None:
                log.warning("resume: %s, was ended from outside", before)

        def begin() -> Run:
            if not first:
                return NoRun()
            run = _opened(stack, job, store, point, outcome)
            mirrors, settings = (point.mirrors, None) if point else (job.mirrors, job.settings)
            record_config(run, config, mirrors, settings, job.folder, redactor)
            if point is None:
                record_place(run, config, job.folder)
            return run

        # A sweep shows all its jobs. Else what fails before it trains leaves no run, and a resume
        # that is refused leaves the run as it is.
        run = begin() if job.parent and point is None else None
        ready = _prepare(job, config, point, redactor, tracked=first and store is not None)
        _work(job, config, run or begin(), point, ready, outcome, redactor)
    return outcome


def _opened(
    stack: ExitStack,
    job: Job,
    store: MlflowStore | None,
    point: ResumePoint | None,
    outcome: Outcome,
) -> Run:
    """Open the job's run, or reopen it; the stack closes it, whatever happens."""
    run: Run = NoRun()
    run_id = point.run_id if point else None
    with signals.deferred():
        if store is not None:
            run = MlflowRun(store, run_id, job.name, job.parent)
        if run_id is None:
            mlruns = Path(job.config["paths"]["mlruns"])
            stack.enter_context(locked(mlruns, run.run_id, "run"))
        if point is not None:
            mark_ended(point.folder)
        outcome.run_id = run.run_id
        log_name = f"console_{job.folder.name}.log" if point else LOG_FILE
        stack.enter_context(lifecycle(run, outcome, job.folder, log_name))
    return run


def _resume(job: Job, store: MlflowStore | None, first: bool) -> ResumePoint | None:
    if not job.config["resume"]:
        return None
    # Every rank reads the checkpoint; each brings it to a folder of its own.
    folder = job.folder if first else job.folder / "ranks" / str(global_rank())
    return resume_point(job.config["resume"], job.config, job.overrides, store, folder)


def _run_in_ranks(job: Job, processes: int, store: MlflowStore | None) -> Outcome:
    failure: BaseException | None = None
    try:
        launch_ranks(processes, [*job.hydra_arguments, *job.overrides], job.folder)
    except (TrainingError, KeyboardInterrupt) as error:
        failure = error
    outcome = load_outcome(job.folder) or Outcome(job.name, settings=job.settings)
    new = job.parent and not job.config["resume"]
    if failure is not None and outcome.run_id is None and store and new:
        # Another rank failed before the first had opened the run: the sweep shows that it failed.
        outcome.run_id = MlflowRun(store, name=job.name, parent=job.parent).run_id
    if outcome.status == "RUNNING" and isinstance(failure, KeyboardInterrupt):
        close_for(store, outcome, job.folder, "KILLED", str(failure) or STOPPED)
    elif outcome.status == "RUNNING" and failure is not None:
        close_for(store, outcome, job.folder, "FAILED", first_line(failure))
    if failure is not None:
        raise failure
    return outcome


@dataclass(frozen=True)
class _Prepared:
    """All that can fail before training starts."""

    material: Material
    data: PatchDataModule
    module: PatchClassifier
    trainer: pl.Trainer


def _prepare(
    job: Job, config: Config, point: ResumePoint | None, redactor: Redactor, tracked: bool
) -> _Prepared:
    """Read the data and build what trains on them; the run need not be open."""
    material = load_material(config, redactor)
    if point is not None:
        point.check_same_data(material.used, material.fingerprint)
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    rule: CalibrationRule = build(config["calibration"], "calibration")
    rule.check(len(material.source.class_names))
    data = build_datamodule(config, material)
    origin = {
        "config": redactor.config(config),
        "mirrors": dict(point.mirrors if point else job.mirrors),
        "splits": splits_of_patients(material.used),
        "split": split_identity(material.used),
        "fingerprint": material.fingerprint,
    }
    module = build_classifier(config, data, origin)
    batches = data.count_batches(count_processes(config))
    trainer = build_trainer(config, job.folder, tracked, job.folder / CHECKPOINTS, batches)
    return _Prepared(material, data, module, trainer)


def _work(
    job: Job,
    config: Config,
    run: Run,
    point: ResumePoint | None,
    ready: _Prepared,
    outcome: Outcome,
    redactor: Redactor,
) -> None:
    """The steps of a run, in order."""
    material, data, module, trainer = ready.material, ready.data, ready.module, ready.trainer
    outcome.class_names = list(material.source.class_names)
    outcome.leaky = material.leaky
    if global_rank() == 0:
        known = point is not None and point.run_id is not None and point.checkpoint is not None
        record_inputs(run, config, job.settings, material, data, job.folder, redactor, known)
        if point is not None:
            point.bring(job.folder / CHECKPOINTS)
            record_place(run, config, job.folder)
    module.origin["run_id"] = run.run_id
    trainer.logger = run.lightning_logger() or None
    device: torch.device = trainer.strategy.root_device
    training = Meter(device)
    try:
        with training:
            _fit(trainer, module, data, point, run, config)
    except BaseException:
        if global_rank() == 0:
            try:
                record_training(run, config, module.history, job.folder)
            except Exception as more:  # the first error is the one to tell
                log.error(
                    "could not record what training had until then: %s",
                    first_line(more),
                    exc_info=not isinstance(more, OSError),
                )
        raise
    if global_rank() == 0:
        record_training(run, config, module.history, job.folder)
    if not leave_ranks():
        return
    judging = Meter(device)
    with judging:
        best = _best_checkpoint(trainer, config)
        evaluation = _judge(module, best, data, config, device, material.leaky)
    outcome.objective = _best_score(trainer)
    outcome.metrics = evaluation.metrics
    outcome.notes = evaluation.notes
    account = Account(
        run,
        job.name,
        "train",
        config,
        evaluation,
        material,
        data.class_names,
        job.folder,
        {"train": training.cost, "evaluate": judging.cost},
        redactor,
    )
    record_evaluation(account)
    if config["tracking"]["log_model"]:
        record_model(run, module.network, evaluation, material, data)
    # Last, as it takes longest: who stops it has all the rest.
    explained = record_explanation(account, module.network.to(device))
    outcome.metrics = {**evaluation.metrics, **explained}


def _fit(
    trainer: pl.Trainer,
    module: PatchClassifier,
    data: PatchDataModule,
    point: ResumePoint | None,
    run: Run,
    config: Config,
) -> None:
    wanted: Run = run if config["tracking"]["system_metrics"] else NoRun()
    every = config["tracking"]["system_metrics_interval"]
    with system_metrics(wanted, every), lightning_interrupts(), signals.deferred():
        trainer.fit(
            module,
            datamodule=data,
            ckpt_path=str(point.checkpoint) if point and point.checkpoint else None,
            weights_only=True,
        )


def _judge(
    module: PatchClassifier,
    best: Path,
    data: PatchDataModule,
    config: Config,
    device: torch.device,
    leaky: bool,
) -> Evaluation:
    """Take the best weights to one device and test them."""
    module.network.load_state_dict(load_checkpoint(best, "test").network_state())
    data.trainer = None  # the loaders must not shard what one process scores
    return evaluate(module.network, data, config, device, leaky)


def _best_checkpoint(trainer: pl.Trainer, config: Config) -> Path:
    """The one that this training wrote or took up, whatever else lies in its folder."""
    best = str(getattr(trainer.checkpoint_callback, "best_model_path", ""))
    if not best:
        raise TrainingError(
            f"{config['monitor']['metric']} was never measured, so there is no best checkpoint: "
            f"train for at least one whole epoch with validation."
        )
    return Path(best)


def _best_score(trainer: pl.Trainer) -> float | None:
    score = getattr(trainer.checkpoint_callback, "best_model_score", None)
    return None if score is None else float(score)
