"""What happens around training: checkpoints, stopping, averaging, unfreezing, the progress bar."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint, RichProgressBar

from idc.config.build import Config
from idc.models.classifier import PatchClassifier
from idc.pipelines.epoch_log import EpochLog
from idc.pipelines.plugins import build_configured_callbacks
from idc.runtime import signals
from idc.runtime.progress import shows_progress

CHECKPOINTS = "checkpoints"  # the folder's name, among a run's files and its artifacts
BEST = "best.ckpt"
LAST = "last.ckpt"
PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")


class GradualUnfreezing(pl.Callback):
    """Frees one more stage every few epochs, from the last to the first (Howard & Ruder 2018).

    How much is frozen follows from the epoch alone, so a resumed run needs no state.

    Args:
        every: Epochs between two stages.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.at_start: int | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Free everything for a moment: DDP only keeps in step what may learn when it begins."""
        if stage == "fit":
            assert isinstance(pl_module, PatchClassifier)
            self.at_start = pl_module.freezing.frozen
            pl_module.freezing.backbone.requires_grad_(True)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Set what learns in this epoch."""
        assert isinstance(pl_module, PatchClassifier)
        assert self.at_start is not None
        pl_module.freezing.apply(self.at_start - trainer.current_epoch // self.every)
        pl_module.train()


class StopBetweenBatches(pl.Callback):
    """Ends the training between two batches when the process was told to stop.

    The last checkpoint is that of the last whole epoch: from it a resumed run equals an unbroken
    one, which from the middle of an epoch it could not.
    """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's own handler talks to the other ranks in the middle of whatever they do."""
        signals.reclaim()

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """Stop; several ranks all after the same batch, as one alone would make others wait."""
        if trainer.world_size == 1:
            signals.check()
        elif signals.received() is not None:
            trainer._signal_connector.received_sigterm = True  # the first rank's goes to all

    def on_validation_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """The same in validation; ranks stop when they train again."""
        if trainer.world_size == 1:
            signals.check()


class Checkpoint(ModelCheckpoint):
    """Lightning's, but that it keeps its scores when a resumed run has another folder.

    What it saves names files only: where they lie is this machine's affair.
    """

    def state_dict(self) -> dict[str, Any]:
        """Lightning's, with names in place of paths."""
        state = super().state_dict()
        scores = state["best_k_models"].items()
        names = {key: Path(state[key]).name for key in PATHS if state[key]}
        kept = {Path(path).name: score for path, score in scores}
        return {**state, **names, "dirpath": "", "best_k_models": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the scores, for the files of the same names in this run's folder."""
        assert self.dirpath is not None
        folder = Path(self.dirpath)

        def here(name: str) -> str:
            return str(folder / Path(name).name) if name else ""

        scores = {here(name): score for name, score in state_dict["best_k_models"].items()}
        if not scores or not (folder / BEST).is_file():
            return  # there is nothing to beat
        moved = {key: here(state_dict[key]) for key in PATHS}
        super().load_state_dict(
            {**state_dict, **moved, "dirpath": self.dirpath, "best_k_models": scores}
        )


class ProgressBar(RichProgressBar):
    """Lightning's, but that it counts epochs from 1, as everything else here does."""

    def _get_train_description(self, current_epoch: int) -> str:
        last = self.trainer.max_epochs
        words = f"Epoch {current_epoch + 1}" + ("" if last in (None, -1) else f"/{last}")
        # As long as the bar of validation, or both would flicker.
        return words.ljust(len(self.validation_description))


def build_callbacks(config: Config, folder: Path, logged: bool) -> list[pl.Callback]:
    """The callbacks of a training whose checkpoints go to `folder`."""
    metric, mode = config["monitor"]["metric"], config["monitor"]["mode"]
    checkpoints: dict[str, Any] = {
        "dirpath": folder,
        "auto_insert_metric_name": False,
        "enable_version_counter": False,
        "save_top_k": 1,
    }
    configured = build_configured_callbacks(config)
    callbacks: list[pl.Callback] = [StopBetweenBatches()]
    if (every := config["backbone"].get("unfreeze_every")) is not None:
        callbacks.append(GradualUnfreezing(every))
    callbacks += [
        # The first checkpoint callback is the one that Lightning takes for the run's.
        Checkpoint(**checkpoints, monitor=metric, mode=mode, filename=Path(BEST).stem),
        # Its own callback: what it keeps is the newest epoch, whatever the monitor says.
        Checkpoint(**checkpoints, filename=Path(LAST).stem),
        EpochLog(metric),
    ]
    if config["trainer"]["enable_progress_bar"] and shows_progress():
        callbacks.append(ProgressBar(leave=False))
    if logged and not any(isinstance(one, LearningRateMonitor) for one in configured):
        callbacks.append(LearningRateMonitor(logging_interval="epoch"))
    return [*callbacks, *configured]
