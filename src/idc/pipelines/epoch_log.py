"""One line per epoch in the log: what a user of a cluster reads where there is no terminal."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl

from idc.models.classifier import PatchClassifier

log = logging.getLogger(__name__)
SHOWN = ("train/loss", "val/loss", "val/f1", "val/recall")


class EpochLog(pl.Callback):
    """Log the metrics and speed of each epoch, and how long the rest will take at most.

    Epochs are counted from 1. The line comes once the epoch is over, its checkpoint written.

    Args:
        monitor: The metric that training watches; it is shown too.
        clock: Seconds, growing.
    """

    def __init__(self, monitor: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self._shown = tuple(dict.fromkeys((*SHOWN, monitor)))
        self._clock = clock
        self._epoch: int | None = None  # counted from 0; None between two trainings
        self._start = self._trained = 0.0
        self._patches = 0
        self._took: list[float] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget an earlier training."""
        self._epoch, self._took = None, []

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the epoch before, and start the clock."""
        self._close(trainer, pl_module)
        self._epoch, self._patches = trainer.current_epoch, 0
        self._start = self._trained = self._clock()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the batch's patches; validation and checkpoints are not in their rate."""
        self._patches += len(batch["label"])
        self._trained = self._clock()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the last epoch."""
        self._close(trainer, pl_module)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Log an epoch that was whole when training was stopped."""
        self._close(trainer, pl_module)

    def _close(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, PatchClassifier)
        epoch, self._epoch = self._epoch, None
        if epoch is None:
            return
        values = pl_module.history.epoch(epoch)
        if "train/loss" not in values:  # it was broken off
            return
        seconds = self._clock() - self._start
        self._took.append(seconds)
        total = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None
        parts = [f"{name} {values[name]:.4f}" for name in self._shown if name in values]
        parts.append(f"{seconds:.1f} s")
        if self._trained > self._start:
            rate = self._patches * trainer.world_size / (self._trained - self._start)
            parts.append(f"{rate:.0f} patches/s")
        if total is not None:
            # The first epoch warms up: it does not speak for the rest.
            took = self._took[1:] or self._took
            left = sum(took) / len(took) * (total - epoch - 1)
            parts.append(f"{timedelta(seconds=round(left))} left")
        place = str(epoch + 1) if total is None else f"{epoch + 1}/{total}"
        log.info("epoch %s: %s", place, ", ".join(parts))
