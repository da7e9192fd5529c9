"""The log's line per epoch: its numbers, its clock, and when there is none."""

import logging
import re
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from conftest import TINY, Cli
from idc.metrics.collection import build_metrics
from idc.models import backbones, schedulers
from idc.models.classifier import Learning, PatchClassifier
from idc.models.heads import linear
from idc.models.losses import CrossEntropy
from idc.models.network import Network
from idc.pipelines.epoch_log import EpochLog

LINE = re.compile(r"epoch (\d+)/(\d+): (.*)$", re.MULTILINE)


@pytest.fixture
def module() -> PatchClassifier:
    backbone = backbones.simple_cnn(50)
    network = Network(backbone, linear(backbone.num_features, 2), 50)
    learning = Learning(torch.optim.SGD, 0.1, schedulers.constant)
    return PatchClassifier(network, cast(nn.Module, CrossEntropy()), build_metrics(2), learning, 2)


def test_every_epoch_is_a_line_without_a_terminal(cli: Cli) -> None:
    result = cli(*TINY, "trainer.max_epochs=3")
    assert result.code == 0, result.err
    console = (result.folders[0] / "console.log").read_text()
    history = pd.read_csv(result.folders[0] / "training" / "history.csv")
    lines = LINE.findall(console)
    assert [(int(number), int(total)) for number, total, _ in lines] == [(1, 3), (2, 3), (3, 3)]
    assert LINE.findall(result.err) == lines
    for number, _, text in lines:
        given = {k: float(v) for k, v in re.findall(r"(\w+/\w+) ([\d.]+)", text)}
        assert set(given) == {"train/loss", "val/loss", "val/f1", "val/recall"}
        rows = history[history["epoch"] == int(number)]
        kept = {f"{r.stage}/{r.metric}": r.value for r in rows.itertuples()}
        assert given == pytest.approx({name: kept[name] for name in given}, abs=1e-4)
        (seconds,), (rate,) = (
            re.findall(r" ([\d.]+) s,", text),
            re.findall(r"(\d+) patches/s", text),
        )
        assert float(seconds) >= 0
        assert int(rate) > 0
    assert lines[-1][2].endswith("0:00:00 left")


def run(module: PatchClassifier, epochs: int | None, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Two epochs: ten seconds of training and two of validation, then four and two."""
    now = [0.0]
    callback = EpochLog("val/auroc", clock=lambda: now[0])
    fake = SimpleNamespace(current_epoch=0, max_epochs=epochs, world_size=2)
    trainer = cast(pl.Trainer, fake)
    caplog.set_level(logging.INFO)
    callback.on_train_start(trainer, module)
    for epoch, seconds in enumerate((10.0, 4.0)):
        fake.current_epoch = epoch
        callback.on_train_epoch_start(trainer, module)
        for _ in range(2):
            now[0] += seconds / 2
            batch: Any = {"label": torch.zeros(16)}
            callback.on_train_batch_end(trainer, module, None, batch, 0)
        values = {"train/loss": 0.5, "val/loss": 0.25, "val/auroc": 0.875}
        module.history.add(epoch, values)
        now[0] += 2.0
    callback.on_train_end(trainer, module)
    callback.on_exception(trainer, module, KeyboardInterrupt())  # says nothing twice
    return [r.getMessage() for r in caplog.records if r.name == "idc.pipelines.epoch_log"]


def test_rate_and_time_left(module: PatchClassifier, caplog: pytest.LogCaptureFixture) -> None:
    """The rate is that of training alone; an epoch takes what it takes with validation."""
    numbers = "train/loss 0.5000, val/loss 0.2500, val/auroc 0.8750"
    assert run(module, 12, caplog) == [
        f"epoch 1/12: {numbers}, 12.0 s, 6 patches/s, 0:02:12 left",
        f"epoch 2/12: {numbers}, 6.0 s, 16 patches/s, 0:01:00 left",
    ]


def test_without_an_end_no_time_is_left(
    module: PatchClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = run(module, -1, caplog)
    assert first.startswith("epoch 1: ")
    assert second.endswith("16 patches/s")


def test_an_epoch_that_was_broken_off_has_no_line(
    module: PatchClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    callback = EpochLog("val/f1")
    trainer = cast(pl.Trainer, SimpleNamespace(current_epoch=0, max_epochs=2, world_size=1))
    callback.on_train_start(trainer, module)
    callback.on_train_epoch_start(trainer, module)
    callback.on_exception(trainer, module, KeyboardInterrupt())
    assert not [r for r in caplog.records if r.name == "idc.pipelines.epoch_log"]
