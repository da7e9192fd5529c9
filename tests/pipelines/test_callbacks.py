"""Callbacks of training."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytorch_lightning as pl
import torch

from idc.metrics.collection import build_metrics
from idc.models import backbones, schedulers
from idc.models.classifier import Learning, PatchClassifier
from idc.models.heads import linear
from idc.models.losses import CrossEntropy
from idc.models.network import Network
from idc.pipelines.callbacks import BEST, Checkpoint, GradualUnfreezing, ProgressBar


@pytest.fixture
def module() -> PatchClassifier:
    backbone = backbones.vanilla_cnn(48)
    head = linear(backbone.num_features, 2)
    network = Network(backbone, head, 48)
    learning = Learning(torch.optim.SGD, 0.1, schedulers.constant)
    return PatchClassifier(network, CrossEntropy(), build_metrics(2), learning, 2, "all")


def learns(module: PatchClassifier) -> list[bool]:
    stages = module.network.backbone.stages.children()
    return [all(p.requires_grad for p in stage.parameters()) for stage in stages]


def test_stages_are_freed_from_the_last_to_the_first(module: PatchClassifier) -> None:
    callback = GradualUnfreezing(every=2)
    trainer = SimpleNamespace(current_epoch=0)
    assert not any(learns(module))
    callback.setup(cast(pl.Trainer, trainer), module, "fit")
    # DDP keeps in step what may learn when it wraps the module, which is now.
    assert all(learns(module))
    free = []
    for epoch in range(9):
        trainer.current_epoch = epoch
        callback.on_train_epoch_start(cast(pl.Trainer, trainer), module)
        found = learns(module)
        assert found == sorted(found)  # the last first
        free.append(sum(found))
    stages = len(learns(module))
    assert free == [min(stages, epoch // 2) for epoch in range(9)]


@pytest.mark.parametrize("best_is_there", [True, False])
def test_checkpoint_scores_move_with_their_folder(tmp_path: Path, best_is_there: bool) -> None:
    options: dict[str, Any] = {"monitor": "val/f1", "mode": "max", "filename": "best"}
    before = Checkpoint(dirpath=tmp_path / "before", **options)
    path = str(tmp_path / "before" / BEST)
    before.best_k_models, before.best_model_path = {path: torch.tensor(0.9)}, path
    before.best_model_score = before.kth_value = torch.tensor(0.9)
    before.kth_best_model_path = path
    after = Checkpoint(dirpath=tmp_path / "after", **options)
    (tmp_path / "after").mkdir()
    if best_is_there:
        (tmp_path / "after" / BEST).touch()
    after.load_state_dict(before.state_dict())
    moved = str(tmp_path / "after" / BEST)
    assert after.best_k_models == ({moved: torch.tensor(0.9)} if best_is_there else {})
    assert after.best_model_path == (moved if best_is_there else "")
    # Worse than what is kept, but not worse than nothing.
    assert bool(after.check_monitor_top_k(_trainer(), torch.tensor(0.5))) != best_is_there


def _trainer() -> pl.Trainer:
    strategy = SimpleNamespace(reduce_boolean_decision=bool)
    return cast(pl.Trainer, SimpleNamespace(strategy=strategy))


@pytest.mark.parametrize(("last", "words"), [(8, "Epoch 1/8"), (-1, "Epoch 1")])
def test_the_bar_counts_epochs_from_1(last: int, words: str) -> None:
    bar = ProgressBar()
    bar._trainer = cast(pl.Trainer, SimpleNamespace(max_epochs=last))
    assert bar._get_train_description(0).strip() == words
