"""A trial of a hyperparameter search, as the job that trains it sees it."""

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytorch_lightning as pl

from idc.models.classifier import PatchClassifier

if TYPE_CHECKING:  # an extra
    from optuna import Study
    from optuna.pruners import BasePruner

log = logging.getLogger(__name__)
NUMBER_TAG, STATE_TAG, VALUE_TAG = "optuna.trial", "optuna.state", "optuna.value"
COMPLETE, PRUNED, FAILED = "COMPLETE", "PRUNED", "FAIL"  # Optuna's names
STUDY = "idc"


@dataclass(frozen=True)
class Search:
    """Where the study of a search is, and what its trials must know.

    Attributes:
        journal: The study's file, which the processes of all trials reach.
        metric: The monitored metric, the objective.
        mode: Whether more of it is better.
        pruner: What stops a trial early.
        startup_trials: Trials to see before any is stopped.
        warmup_epochs: Epochs of a trial before it may be stopped.
    """

    journal: str
    metric: str
    mode: Literal["max", "min"]
    pruner: Literal["median", "hyperband", "none"] = "median"
    startup_trials: int = 5
    warmup_epochs: int = 1

    def open(self) -> "Study":
        """The study, which is made if there is none yet."""
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        Path(self.journal).parent.mkdir(parents=True, exist_ok=True)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(self.journal)),
            study_name=STUDY,
            direction="maximize" if self.mode == "max" else "minimize",
            pruner=self._pruner(),
            load_if_exists=True,
        )

    def _pruner(self) -> "BasePruner":
        from optuna import pruners

        if self.pruner == "median":
            # Steps are epochs from 1.
            return pruners.MedianPruner(self.startup_trials, self.warmup_epochs + 1)
        if self.pruner == "hyperband":
            return pruners.HyperbandPruner(min_resource=self.warmup_epochs + 1)
        return pruners.NopPruner()


class Trial(pl.Callback):
    """Reports a trial's metric after each epoch, and ends the training of one that is pruned.

    Args:
        search: The search.
        number: The trial's number.
    """

    def __init__(self, search: Search, number: int) -> None:
        self.search = search
        self.number = number
        self.pruned = False

    @property
    def tags(self) -> dict[str, Any]:
        """What its run is tagged with from the start."""
        return {NUMBER_TAG: self.number}

    def result_tags(self, value: float | None) -> dict[str, Any]:
        """What its run is tagged with when it is trained."""
        return {STATE_TAG: PRUNED if self.pruned else COMPLETE, VALUE_TAG: value}

    @cached_property
    def _study(self) -> "Study":
        return self.search.open()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report what is not yet reported, also of epochs before a resume; all ranks agree."""
        assert isinstance(pl_module, PatchClassifier)
        prune = trainer.is_global_zero and self._report(trainer, pl_module)
        if trainer.strategy.reduce_boolean_decision(prune, all=False):
            self.pruned = trainer.should_stop = True

    def _report(self, trainer: pl.Trainer, module: PatchClassifier) -> bool:
        """Whether the trial is to be stopped; not after its last epoch."""
        study, epoch = self._study, trainer.current_epoch
        storage = study._storage  # a Trial made anew would draw its values again
        trial_id = storage.get_trial_id_from_study_id_trial_number(study._study_id, self.number)
        reported = storage.get_trial(trial_id).intermediate_values
        for earlier in range(epoch + 1):
            value = module.history.epoch(earlier).get(self.search.metric, np.nan)
            if earlier + 1 not in reported and np.isfinite(value):
                storage.set_trial_intermediate_value(trial_id, earlier + 1, float(value))
        if trainer.max_epochs is not None and epoch + 1 >= trainer.max_epochs:
            return False
        prune = bool(study.pruner.prune(study, storage.get_trial(trial_id)))
        if prune:
            log.info("trial %d: pruned after epoch %d", self.number, epoch + 1)
        return prune
