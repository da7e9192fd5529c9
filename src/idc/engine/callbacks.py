"""What happens around training: checkpoints, stopping, averaging, unfreezing, the progress bar."""

import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import (
    EarlyStopping,
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
    RichProgressBar,
)

from idc.engine.config import Config
from idc.models.classifier import PatchClassifier

BEST = "best.ckpt"
LAST = "last.ckpt"


class GradualUnfreezing(pl.Callback):
    """Frees one more stage every few epochs, from the last to the first (Howard & Ruder 2018).

    How much is frozen follows from the epoch alone, so a resumed run needs no state.

    Args:
        every: Epochs between two stages.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.at_start: int | None = None

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Set what learns in this epoch."""
        assert isinstance(pl_module, PatchClassifier)
        if self.at_start is None:
            self.at_start = pl_module.freezing.frozen
        pl_module.freezing.apply(self.at_start - trainer.current_epoch // self.every)
        pl_module.train()


def build_callbacks(config: Config, folder: Path, logged: bool) -> list[pl.Callback]:
    """The callbacks of a training.

    Args:
        config: The resolved configuration.
        folder: Where checkpoints go.
        logged: Whether the trainer has a logger.
    """
    monitor: dict[str, Any] = {
        "monitor": config["monitor"]["metric"],
        "mode": config["monitor"]["mode"],
    }
    checkpoints: dict[str, Any] = {
        "dirpath": folder,
        "auto_insert_metric_name": False,
        "enable_version_counter": False,
    }
    callbacks: list[pl.Callback] = []
    if (decay := config["callbacks"]["ema"]["decay"]) is not None:
        callbacks.append(EMAWeightAveraging(decay=decay))
    if (every := config["backbone"].get("unfreeze_every")) is not None:
        callbacks.append(GradualUnfreezing(every))
    stopping = config["callbacks"]["early_stopping"]
    if stopping["patience"] is not None:
        callbacks.append(
            EarlyStopping(**monitor, patience=stopping["patience"], min_delta=stopping["min_delta"])
        )
    callbacks += [
        ModelCheckpoint(**monitor, **checkpoints, filename=Path(BEST).stem, save_top_k=1),
        # Its own callback: what it keeps is the newest epoch, whatever the monitor says.
        ModelCheckpoint(**checkpoints, filename=Path(LAST).stem, save_top_k=1),
    ]
    if config["trainer"]["enable_progress_bar"] and os.environ.get("IDC_PROGRESS", "1") != "0":
        callbacks.append(RichProgressBar(leave=False))
    if logged:
        callbacks.append(LearningRateMonitor(logging_interval="epoch"))
    return callbacks
