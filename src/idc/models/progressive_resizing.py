"""Progressive resizing: a network learns from small images first, which cost less."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import pytorch_lightning as pl

from idc.data.datamodule import PatchDataModule
from idc.errors import ConfigError
from idc.models.classifier import PatchClassifier

SMALLEST = 8  # pixels
PLACE = "callbacks.resizing.sizes"


class ProgressiveResizing(pl.Callback):
    """Trains on smaller images in the first epochs (Howard's entry to DAWNBench, 2018).

    Images are resized by the network itself, from the one size in the patch store. Validation,
    test and the finished model see the full size, always. With `batches`, a batch has as many
    pixels in each phase: at half the side it has four times the images, and the learning rate is as
    many times higher (the linear rule of Goyal et al. 2017). All of it follows from the epoch
    alone, so a resumed run needs no state.

    Args:
        sizes: Pairs of an epoch, from 0, and the side of the images from that epoch on, in pixels;
            the last is `image_size`.
        image_size: The full size.
        epochs: Epochs of the training.
        batches: Whether batch size and learning rate follow.

    Raises:
        ConfigError: The sizes do not begin with epoch 0, do not rise, are out of range, or begin
            after the training has ended.
    """

    def __init__(
        self, sizes: Sequence[Sequence[int]], image_size: int, epochs: int, batches: bool = True
    ) -> None:
        try:
            self.sizes = {int(epoch): int(size) for epoch, size in sorted(map(tuple, sizes))}
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{PLACE}={sizes}: give pairs, as in [[0,24],[4,50]].") from error
        if len(self.sizes) < len(sizes):
            raise ConfigError(f"{PLACE}={sizes}: an epoch has two sizes; give each one.")
        self.image_size, self.batches = image_size, batches
        if next(iter(self.sizes), None) != 0:
            raise ConfigError(f"{PLACE}={sizes}: it does not begin with epoch 0: [[0,24],...].")
        if any(later <= earlier for earlier, later in pairwise(self.sizes.values())):
            raise ConfigError(f"{PLACE}={sizes}: each size must be larger than the one before.")
        for epoch, size in self.sizes.items():
            if not SMALLEST <= size <= image_size:
                raise ConfigError(
                    f"{PLACE}: size {size} of epoch {epoch}: give {SMALLEST} to "
                    f"data.image_size={image_size}."
                )
            if epoch >= epochs:
                raise ConfigError(
                    f"{PLACE}: epoch {epoch}: trainer.max_epochs={epochs} ends before it begins."
                )
        if self.size_of(epochs) < image_size:
            raise ConfigError(
                f"{PLACE}={sizes}: the training would end below data.image_size={image_size}, at "
                f"which it is tested; add [EPOCH,{image_size}], of an epoch below {epochs}."
            )

    def size_of(self, epoch: int) -> int:
        """The side of the images in an epoch, pixels."""
        return max((e, size) for e, size in self.sizes.items() if e <= epoch)[1]

    def factor_of(self, epoch: int) -> int:
        """How many times more images a batch has in an epoch than at the full size."""
        return int((self.image_size / self.size_of(epoch)) ** 2) if self.batches else 1

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Make the loaders of each epoch anew, and tell the schedule how many steps there are."""
        if stage != "fit":
            return
        module, data = _parts(trainer, pl_module)
        data.batch_factor = self.factor_of
        cast(Any, trainer).reload_dataloaders_every_n_epochs = 1
        every = trainer.accumulate_grad_batches
        batches = [
            _limited(data.count_batches(trainer.world_size, epoch), trainer.limit_train_batches)
            for epoch in range(trainer.max_epochs or 0)
        ]
        module.steps = sum(-(-count // every) for count in batches)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Set the learning rate of the epoch, and log what batches have."""
        module, data = _parts(trainer, pl_module)
        epoch = trainer.current_epoch
        # A small training split has no larger batches to give, and then no higher rate.
        share = -(-len(data.rows("train")) // trainer.world_size)
        full, size = (min(share, data.batch_size * n) for n in (1, self.factor_of(epoch)))
        module.rate_factor = size / full
        values = {
            "train/image_size": float(self.size_of(epoch)),
            "train/batch_size": float(size),
            "train/lr_factor": module.rate_factor,
        }
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Set the size of the epoch, again after a validation in the middle of one."""
        module, _ = _parts(trainer, pl_module)
        module.network.image_size = self.size_of(trainer.current_epoch)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validate at the full size."""
        _parts(trainer, pl_module)[0].network.image_size = self.image_size

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the network at the full size."""
        self.on_validation_start(trainer, pl_module)


def _parts(trainer: Any, module: pl.LightningModule) -> tuple[PatchClassifier, PatchDataModule]:
    assert isinstance(module, PatchClassifier)
    assert isinstance(trainer.datamodule, PatchDataModule)
    return module, trainer.datamodule


def _limited(batches: int, limit: int | float) -> int:
    """Batches of an epoch under Lightning's ``limit_train_batches``."""
    return min(batches, limit) if isinstance(limit, int) else int(batches * limit)
