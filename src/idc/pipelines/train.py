"""Train a network, test it, and record both: the recipe of `idc.train`."""

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers.logger import DummyLogger

from idc.attribution.pipeline.target import check_target
from idc.config.build import build
from idc.config.stored import storable
from idc.data.datamodule import PatchDataModule
from idc.data.material import Material
from idc.data.split.base import splits_of_patients
from idc.errors import TrainingError, first_line
from idc.evaluation.evaluate import Evaluation, evaluate
from idc.evaluation.postprocess import SmoothingRule
from idc.metrics.calibration import CalibrationRule
from idc.models.checkpoint import load_checkpoint
from idc.models.classifier import PatchClassifier
from idc.pipelines.build import build_classifier, build_datamodule, build_trainer, check_backbone
from idc.pipelines.callbacks import CHECKPOINTS
from idc.pipelines.dataset import load_material
from idc.pipelines.evaluation_artifacts import (
    record_evaluation,
    record_explanation,
    record_model,
    record_report,
)
from idc.pipelines.job import Job, run_in_ranks
from idc.pipelines.lifecycle import (
    build_redactor,
    configured_store,
    lightning_interrupts,
    mark_ended,
)
from idc.pipelines.parameters import network_parameters
from idc.pipelines.resume import ResumePoint, resume_point, split_identity
from idc.pipelines.run_context import RunContext, tracked_run
from idc.pipelines.training_artifacts import (
    record_config,
    record_inputs,
    record_training,
    save_start,
)
from idc.pipelines.validate import check_config
from idc.runtime import signals
from idc.runtime.cost import Meter
from idc.runtime.hardware import count_processes, global_rank, is_rank
from idc.runtime.outcome import Outcome
from idc.runtime.ranks import leave_ranks
from idc.tracking.alive import locked
from idc.tracking.local_paths import folder_tag
from idc.tracking.mlflow_run import NOTE_TAG
from idc.tracking.mlflow_store import MlflowStore, restored_tracking_uri
from idc.tracking.privacy import hidden_values
from idc.tracking.run_protocol import Run
from idc.tracking.system_metrics import system_metrics

log = logging.getLogger(__name__)


def run_job(job: Job) -> Outcome:
    """Train and test, in this process or, on several devices, in one process per device.

    Raises:
        IdcError: The user can correct it.
        KeyboardInterrupt: The user stopped it.
    """
    first = global_rank() == 0
    store = configured_store(job.config) if job.config["resume"] else None
    point = _resume_point(job, store)
    config = point.config if point else job.config
    check_config(config)
    if point is None:
        check_backbone(config)
    processes = count_processes(config)
    # Not before the values have been checked: a refused job leaves nothing behind.
    if first and store is None:
        store = configured_store(job.config, reads=False)
    mlruns, run_id = Path(config["paths"]["mlruns"]), point.run_id if point else None
    claim = locked(mlruns, run_id, f"resume={run_id}")
    if processes > 1 and not is_rank():
        with claim:
            pass  # refused here rather than by the first rank, which holds the lock
        return run_in_ranks(job, processes, store)
    redactor = store.redactor if store else build_redactor(config)
    redactor.register_paths(hidden_values(config).values())
    # The command of a resume names the default choices, not those of the run.
    name = (point.name if point else None) or job.name
    outcome = Outcome(name, settings=job.settings)
    context = RunContext(outcome, config, job.folder, redactor)
    with ExitStack() as stack:
        stack.enter_context(restored_tracking_uri())
        if first and (before := stack.enter_context(claim)) is not None:
            log.warning("resume: %s, was ended from outside", before)
        # A sweep shows all its jobs. Otherwise a job that fails before it trains leaves no run,
        # and a resume that is refused leaves the run as it is.
        in_sweep = job.parent is not None and point is None
        if first and in_sweep:
            _open(stack, context, job, store, point)

        material = load_material(config, redactor)
        if point is not None:
            point.require_same_data(material)
        pl.seed_everything(config["seed"], workers=True, verbose=False)
        rule: CalibrationRule = build(config["calibration"], "calibration")
        names, several = material.source.class_names, material.source.multi_label
        rule.check(len(names), several)
        check_target(config["explain"]["target"], names, several)
        smoothing: SmoothingRule = build(config["postprocess"], "postprocess")
        smoothing.check(material.index, material.source.patch_size)
        data = build_datamodule(config, material)
        module = build_classifier(config, data, _origin(context, job, point, material))
        tracked, batches = first and store is not None, data.count_batches(processes)
        trainer = build_trainer(config, job.folder, tracked, job.folder / CHECKPOINTS, batches)
        if job.trial is not None:
            trainer.callbacks.insert(0, job.trial)  # type: ignore[attr-defined]
        outcome.class_names, outcome.leaky = list(material.source.class_names), material.leaky
        if first and not in_sweep:
            _open(stack, context, job, store, point)
        if first and job.trial is not None:
            context.run.tags(job.trial.tags)
        if first:
            again = point is not None and point.trained
            record_inputs(context, job.settings, material, data, again)
            context.run.params(network_parameters(module.network, trainer))
        if first and point is not None:
            point.bring(job.folder / CHECKPOINTS)
            context.run.tags(folder_tag(job.folder, config))  # not sooner: it has the checkpoints

        _fit(context, trainer, module, data, point)
        if not leave_ranks():
            return outcome

        outcome.objective = _objective(context, trainer)
        if job.trial is not None:
            outcome.pruned = job.trial.pruned
            context.run.tags(job.trial.result_tags(outcome.objective))
        if outcome.pruned:
            return outcome
        evaluation = _test(context, trainer, module, data, material)
        record_evaluation(context, evaluation)
        if config["tracking"]["log_model"]:
            record_model(context, evaluation, module.network)
        # Last, as it takes longest: stopped here, the run has everything else.
        network = module.network.to(trainer.strategy.root_device)
        explained = record_explanation(context, evaluation, network)
        outcome.metrics = {**evaluation.metrics, **explained.metrics}
        record_report(context, evaluation, explained)
    return outcome


def _resume_point(job: Job, store: MlflowStore | None) -> ResumePoint | None:
    if not job.config["resume"]:
        return None
    # Every rank reads the checkpoint; each downloads it to a folder of its own.
    rank = global_rank()
    folder = job.folder / "ranks" / str(rank) if rank else job.folder
    return resume_point(job.config["resume"], job.config, job.overrides, store, folder)


def _open(
    stack: ExitStack,
    context: RunContext,
    job: Job,
    store: MlflowStore | None,
    point: ResumePoint | None,
) -> None:
    """Open or reopen the run, and log its configuration; the stack closes it, whatever happens."""
    # Before: a run that is killed as soon as it is open can then be started anew.
    save_start(context, point.origin.mirrors if point else job.mirrors)
    if point is None:
        tags = folder_tag(job.folder, job.config)
        stack.enter_context(tracked_run(store, context, job.parent, tags=tags))
        record_config(context, job.settings)
        return
    mark_ended(point.folder)
    log_name = f"console_{job.folder.name}.log"
    run = tracked_run(store, context, job.parent, point.run_id, log_name)
    stack.enter_context(run).tags({NOTE_TAG: "Resumed."})  # in place of what it ended with
    record_config(context)


def _origin(
    context: RunContext, job: Job, point: ResumePoint | None, material: Material
) -> dict[str, Any]:
    """What the checkpoints keep of the run; see `idc.config.stored.Origin`."""
    return {
        "config": storable(context.shown),
        "mirrors": dict(point.origin.mirrors if point else job.mirrors),
        "splits": splits_of_patients(material.used),
        "split": split_identity(material.used),
        "fingerprint": material.fingerprint,
    }


def _fit(
    context: RunContext,
    trainer: pl.Trainer,
    module: PatchClassifier,
    data: PatchDataModule,
    point: ResumePoint | None,
) -> None:
    """Train, and record the training, however it ends."""
    first, options = global_rank() == 0, context.config["tracking"]
    module.origin["run_id"] = context.run.run_id
    # Callbacks such as LearningRateMonitor insist on a logger, in ranks that log nothing too.
    own = context.run.lightning_logger()
    trainer.loggers = [*([own] if own else []), *trainer.loggers] or [DummyLogger()]
    monitored = context.run if options["system_metrics"] else Run()
    meter = Meter(trainer.strategy.root_device)
    try:
        with (
            meter,
            system_metrics(monitored, options["system_metrics_interval"]),
            lightning_interrupts(),
            signals.deferred(),
        ):
            trainer.fit(
                module,
                datamodule=data,
                ckpt_path=str(point.checkpoint) if point and point.checkpoint else None,
                weights_only=True,
            )
    except BaseException:
        try:
            if first:
                record_training(context, module.history)
        except Exception as more:  # the first error is the one to report
            log.error(
                "could not record the training until then: %s",
                first_line(more),
                exc_info=not isinstance(more, OSError),
            )
        raise
    context.costs["train"] = meter.cost
    if first:
        record_training(context, module.history)


def _objective(context: RunContext, trainer: pl.Trainer) -> float | None:
    """The best value of the monitored metric."""
    score = getattr(trainer.checkpoint_callback, "best_model_score", None)
    if not getattr(trainer.checkpoint_callback, "best_model_path", ""):
        raise TrainingError(
            f"{context.config['monitor']['metric']} was never measured, so there is no best "
            f"checkpoint: train for at least one whole epoch with validation."
        )
    return None if score is None else float(score)


def _test(
    context: RunContext,
    trainer: pl.Trainer,
    module: PatchClassifier,
    data: PatchDataModule,
    material: Material,
) -> Evaluation:
    """Test the best weights, on one device."""
    # Named by the callback: the folder may hold others, of an earlier training.
    best = str(getattr(trainer.checkpoint_callback, "best_model_path", ""))
    device = trainer.strategy.root_device
    with (meter := Meter(device)):
        module.network.load_state_dict(load_checkpoint(Path(best), "test").network_state())
        data.trainer = None  # the loaders must not shard what one process scores
        evaluation = evaluate(module.network, material, data, context.config, device)
    context.costs["evaluate"] = meter.cost
    return evaluation
