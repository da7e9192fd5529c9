"""The LightningModule: trains a network and logs its metrics."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric, MetricCollection
from torchvision.transforms import v2

from idc.data.dataset import Batch
from idc.errors import TrainingError
from idc.metrics.collection import scores_for_metrics
from idc.models.backbone import Freezing
from idc.models.history import History
from idc.models.network import Network
from idc.models.optimizers import parameter_groups
from idc.models.schedulers import Horizon, Schedule
from idc.runtime.digests import seal
from idc.runtime.seeding import derive_seed

Stage = Literal["train", "val"]


@dataclass(frozen=True)
class Learning:
    """How a network learns.

    Attributes:
        optimizer: Makes the optimizer from parameter groups (a ``functools.partial``).
        lr: Learning rate of the head.
        schedule: Makes the learning-rate schedule.
        monitor: Metric that plateau schedules watch.
        mode: ``max`` or ``min``.
        backbone_lr_factor: The backbone's learning rate as a share of `lr`.
        layer_decay: Learning rate of each of its groups as a share of the next; see
            `parameter_groups`.
        head_weight_decay: L2 of the head; None takes the optimizer's weight decay.
        mixup: Beta parameter of mixup (Zhang et al. 2018); 0 is off.
        cutmix: Beta parameter of CutMix (Yun et al. 2019); 0 is off. With both on, each batch
            takes one of them.
    """

    optimizer: Callable[[Iterable[Any]], Optimizer]
    lr: float
    schedule: Schedule
    monitor: str = "val/f1"
    mode: Literal["max", "min"] = "max"
    backbone_lr_factor: float = 1.0
    layer_decay: float = 1.0
    head_weight_decay: float | None = None
    mixup: float = 0.0
    cutmix: float = 0.0


class PatchClassifier(pl.LightningModule):
    """Trains a `Network` on batches of patches.

    Args:
        network: Pixels to logits.
        loss: On logits (N, k) and targets; see `idc.models.losses`.
        metrics: Cloned for training and validation; updated with probabilities.
        learning: Optimizer, schedule and mixing.
        num_classes: Number of classes.
        freeze: Groups of the backbone's layers, or a number of layers, that do not learn; see
            `Freezing`.
        seed: The run's seed.
        origin: Plain containers that describe where the weights come from (config, run id); they
            travel in every checkpoint under the key ``idc``.
        compiled: Train through ``torch.compile``.
    """

    def __init__(
        self,
        network: Network,
        loss: nn.Module,
        metrics: MetricCollection,
        learning: Learning,
        num_classes: int,
        freeze: str | int = "none",
        seed: int = 0,
        origin: Mapping[str, Any] | None = None,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        # In a tuple, so that what is compiled is no submodule: names in checkpoints stay, and
        # evaluation and attribution take the network itself.
        through = network.logits_and_features
        self._trained_through = (torch.compile(through) if compiled else through,)
        self.loss = loss
        self.learning = learning
        self.freezing = Freezing(network.backbone, freeze)
        self.run_seed = seed
        self.history = History()
        self.steps: int | None = None  # of the whole training; None: as Lightning counts them
        self.rate_factor = 1.0  # what the scheduled learning rates are multiplied by in this epoch
        self.origin = dict(origin or {})
        self.mix = _mixing(learning, num_classes)
        self.stage_metrics, self.stage_loss = nn.ModuleDict(), nn.ModuleDict()
        for stage in ("train", "val"):
            self.stage_metrics[f"on_{stage}"] = metrics.clone(prefix=f"{stage}/")
            self.stage_loss[f"on_{stage}"] = MeanMetric(nan_strategy="disable")

    def forward(self, images: Tensor) -> Tensor:
        """Logits, float (N, k), of uint8 or [0, 1] float images (N, 3, H, W)."""
        return self._trained_through[0](images)[0]

    def train(self, mode: bool = True) -> "PatchClassifier":
        """Switch mode; frozen stages stay in eval."""
        super().train(mode)
        if mode:
            self.freezing.hold_eval()
        return self

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make dropout and mixing functions of seed, epoch, batch and rank.

        A resumed run then draws as an unbroken one. Once an epoch would not do: Lightning makes
        the loader's iterator, which draws too, before an epoch or after it has begun.
        """
        place = (self.current_epoch, batch_idx, self.global_rank)
        torch.manual_seed(derive_seed(self.run_seed, *place))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One step; metrics of mixed batches are taken against the heavier of the two labels."""
        images, targets, labels = batch["image"], batch["label"], batch["label"]
        if self.mix is not None:
            images, targets = self.mix(images.float() / 255, labels)
            labels = heavier(targets, self.network.multi_label)
        logits, loss = self._logits_and_loss(images, targets)
        self._record("train", logits.detach(), labels, loss.detach(), self._weight(targets))
        # Under its own name: the epoch's mean is logged as train/loss.
        self.log("train/step_loss", loss.detach(), on_step=True, on_epoch=False)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Metrics of one batch."""
        labels = batch["label"]
        logits, loss = self._logits_and_loss(batch["image"], labels)
        self._record("val", logits, labels, loss, self._weight(labels))

    def _logits_and_loss(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logits, features = self._trained_through[0](images)
        logits = logits.float()
        # A contrastive loss compares features.
        more = (features.float(),) if getattr(self.loss, "takes_features", False) else ()
        return logits, self.loss(logits, targets, *more)

    def on_train_epoch_end(self) -> None:
        """Log the training metrics of the epoch."""
        self._report("train")

    def on_validation_epoch_end(self) -> None:
        """Log the validation metrics of the epoch."""
        self._report("val")

    def _weight(self, targets: Tensor) -> Tensor | int:
        """The divisor of a batch's mean loss: its patches, or their class weights.

        Batches of validation are nearly of one class each: a plain mean of their means would
        cancel the class weights.
        """
        weight = getattr(self.loss, "weight", None)
        return len(targets) if weight is None or targets.ndim > 1 else weight[targets].sum()

    def _record(
        self, stage: Stage, logits: Tensor, labels: Tensor, loss: Tensor, weight: Tensor | int
    ) -> None:
        metrics = cast(MetricCollection, self.stage_metrics[f"on_{stage}"])
        scores = scores_for_metrics(self.network.probabilities(logits), labels)
        metrics.update(scores, labels.long())
        cast(MeanMetric, self.stage_loss[f"on_{stage}"]).update(loss, weight=weight)

    def _report(self, stage: Stage) -> None:
        mean = cast(MeanMetric, self.stage_loss[f"on_{stage}"])
        loss = mean.compute()
        # Once an epoch: a look at every step would make the device wait.
        if not torch.isfinite(loss):
            raise TrainingError(
                f"{stage}/loss is {loss.item()} in epoch {self.current_epoch + 1}: training has "
                f"diverged. Lower optimizer.lr, clip with trainer.gradient_clip_val=1.0, or use "
                f"trainer.precision=32-true."
            )
        metrics = cast(MetricCollection, self.stage_metrics[f"on_{stage}"])
        values = {f"{stage}/loss": loss, **metrics.compute()}
        shown = ("val/loss", "val/f1", "val/recall")
        self.history.add(self.current_epoch, values)
        for name, value in values.items():
            self.log(name, value, prog_bar=name in shown, sync_dist=True, logger=stage != "train")
        if stage == "train":
            # Lightning hands these on after the checkpoints of the epoch: a run that was stopped in
            # between had a checkpoint of an epoch without metrics.
            numbers = {name: float(value) for name, value in values.items()}
            for logger in self.loggers:
                logger.log_metrics(numbers, step=self.trainer.global_step - 1)
        metrics.reset()
        mean.reset()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Optimizer over parameter groups, and its schedule."""
        how = self.learning
        decays = (how.head_weight_decay, how.layer_decay)
        groups = parameter_groups(self.network, how.lr, how.backbone_lr_factor, *decays)
        optimizer = how.optimizer(groups)
        steps = self.steps or int(self.trainer.estimated_stepping_batches)
        horizon = Horizon(steps, how.monitor, how.mode)
        described = cast(LRSchedulerConfigType, how.schedule(optimizer, horizon))
        # The name under which LearningRateMonitor logs it.
        return {"optimizer": optimizer, "lr_scheduler": {**described, "name": "train/lr"}}

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: Any,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """Step at the scheduled rates times `rate_factor`; the schedule itself knows of none."""
        rates = [group["lr"] for group in optimizer.param_groups]
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * self.rate_factor
        try:
            super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        finally:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the origin and the learning curves in the checkpoint."""
        checkpoint["idc"] = {**self.origin, "history": self.history.state()}
        seal(checkpoint)  # Lightning adds nothing after this hook

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the learning curves of the checkpoint, but this run's length."""
        for state in checkpoint["lr_schedulers"]:
            # One-cycle files its length; a run that is resumed with more epochs has another.
            for key in ("total_steps", "_schedule_phases"):
                state.pop(key, None)
        self.history.restore(checkpoint["idc"]["history"])


def heavier(targets: Tensor, multi_label: bool) -> Tensor:
    """Labels of the image that has the larger share of a mixed one."""
    return (targets > 0.5).float() if multi_label else targets.argmax(1)


def _mixing(learning: Learning, num_classes: int) -> Callable[[Tensor, Tensor], Any] | None:
    choices: list[nn.Module] = [
        mix(alpha=alpha, num_classes=num_classes)
        for mix, alpha in ((v2.MixUp, learning.mixup), (v2.CutMix, learning.cutmix))
        if alpha > 0
    ]
    return v2.RandomChoice(choices) if len(choices) > 1 else next(iter(choices), None)
