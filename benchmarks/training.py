"""What the benchmarks of training share: the app's own parts, timed by the step."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from idc.launch.app import SPINS

os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # as the app does, before torch is imported

import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from omegaconf import open_dict

from idc.config.build import Config, resolve
from idc.config.schema.apps import register
from idc.config.tree import conf_dir
from idc.data.datamodule import PatchDataModule
from idc.data.material import Material
from idc.launch.job import quiet
from idc.models.classifier import PatchClassifier
from idc.pipelines.build import build_classifier, build_datamodule, build_trainer
from idc.pipelines.dataset import load_material
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import open_store
from idc.tracking.run_protocol import Run
from idc.tracking.system_metrics import system_metrics

quiet()


def configure(root: Path, *overrides: str) -> Config:
    """The app's configuration, composed as the app does."""
    quiet = ("trainer.enable_progress_bar=false", "explain=none")
    register("train")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [f"paths.root={root}", *quiet, *overrides], return_hydra_config=True)
    choices = dict(cfg.hydra.runtime.choices)
    with open_dict(cfg):
        del cfg["hydra"]
    return resolve(cfg, choices)


class StepClock(pl.Callback):
    """Times training from the end of a step to that of the last one, waits for data included.

    Args:
        skip: Steps before the clock starts: workers start, kernels are chosen.
        whole: Stop when all is done, validation and checkpoints too.
    """

    def __init__(self, skip: int, whole: bool) -> None:
        self.skip = skip
        self.whole = whole
        self.steps = 0
        self.patches = 0
        self.begun = self.ended = 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """Count a step."""
        self.steps += 1
        if self.steps == self.skip:
            _wait()
            self.begun = time.perf_counter()
        elif self.steps > self.skip:
            self.patches += len(args[2]["label"])
            if trainer.is_last_batch and not self.whole:
                self._stop()

    def on_fit_end(self, *args: Any) -> None:
        """Stop the clock if all of it counts."""
        if self.whole:
            self._stop()

    def _stop(self) -> None:
        _wait()
        self.ended = time.perf_counter()

    @property
    def rate(self) -> float:
        """Patches a second."""
        return self.patches / (self.ended - self.begun)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def train(
    config: Config,
    material: Material,
    skip: int,
    whole: bool = False,
    tracked: bool = False,
    callbacks: bool = True,
) -> float:
    """Train with all that the app trains with; patches a second.

    Args:
        config: The configuration; ``trainer.limit_train_batches`` bounds it.
        material: The data.
        skip: Steps before the clock starts.
        whole: Count validation and checkpoints too.
        tracked: Log to MLflow on SQLite, system metrics included.
        callbacks: Keep the app's callbacks.
    """
    folder = Path(config["paths"]["runs"]) / str(time.time_ns())
    folder.mkdir(parents=True)
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    data = build_datamodule(config, material)
    module = build_classifier(config, data, {})
    store = open_store("local", None, "idc", Path(config["paths"]["mlruns"])) if tracked else None
    clock = StepClock(skip, whole)
    run: Run = Run() if store is None else MlflowRun(store, name="benchmark")
    batches = data.count_batches()
    trainer = build_trainer(config, folder, tracked, folder / "checkpoints", batches)
    trainer.logger = run.lightning_logger() or None
    trainer.callbacks = [*(trainer.callbacks if callbacks else ()), clock]
    with system_metrics(run, config["tracking"]["system_metrics_interval"]):
        trainer.fit(module, datamodule=data)
    return clock.rate


def bare_loop(
    config: Config,
    material: Material,
    steps: int,
    skip: int,
    device: str = "cpu",
    batches_in_memory: int = 8,
) -> float:
    """The same network, loss and optimizer in a plain loop over batches in memory; patches/s."""
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    data = build_datamodule({**config, "augment": NO_AUGMENTATION}, material)
    module = build_classifier(config, data, {}).to(device).train()
    optimizer = config_optimizer(module)
    torch.use_deterministic_algorithms(False)  # as nobody asks for them in a bare loop
    batches = [
        batch for _, batch in zip(range(batches_in_memory), data.train_dataloader(), strict=False)
    ]
    batches = [{key: value.to(device) for key, value in batch.items()} for batch in batches]
    amp = precision_context(config, device)
    for step in range(skip + steps):
        if step == skip:
            _wait()
            begun = time.perf_counter()
        batch = batches[step % len(batches)]
        optimizer.zero_grad()
        with amp():
            loss = module.loss(module.network(batch["image"]).float(), batch["label"])
        loss.backward()
        optimizer.step()
    _wait()
    return steps * len(batches[0]["label"]) / (time.perf_counter() - begun)


NO_AUGMENTATION = {"transforms": [], "mixup": 0.0, "cutmix": 0.0, "device": "cpu"}


def config_optimizer(module: PatchClassifier) -> torch.optim.Optimizer:
    """The configured optimizer over the module's parameter groups."""
    from idc.models.optimizers import parameter_groups

    return module.learning.optimizer(parameter_groups(module.network, module.learning.lr))


def precision_context(config: Config, device: str) -> Callable[[], Any]:
    """The autocast that the trainer would use."""
    from idc.runtime.hardware import choose_precision

    mixed = choose_precision(config).startswith("bf16")
    kind = torch.device(device).type
    return lambda: torch.autocast(kind, torch.bfloat16, enabled=mixed)


__all__ = ["Material", "PatchDataModule", "bare_loop", "configure", "load_material", "train"]
