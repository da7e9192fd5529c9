"""Lightning's callbacks, loggers and profilers, added by configuration alone."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import EarlyStopping, EMAWeightAveraging, LearningRateMonitor
from pytorch_lightning.loggers import CSVLogger

from conftest import TINY, Cli
from idc.errors import ConfigError
from idc.pipelines.callbacks import build_callbacks
from idc.pipelines.plugins import build_configured_callbacks, build_loggers, check_plugins

Compose = Callable[..., dict[str, Any]]
CSV = "+logger.csv._target_=pytorch_lightning.loggers.CSVLogger"
RATES = "+callbacks.lr._target_=pytorch_lightning.callbacks.LearningRateMonitor"


def test_a_logger_a_callback_and_a_profiler_by_the_command_line(cli: Cli) -> None:
    result = cli(*TINY, CSV, RATES, "trainer.profiler=simple")
    assert result.code == 0, result.err
    (folder,) = result.folders
    with (folder / "lightning_logs" / "version_0" / "metrics.csv").open(newline="") as file:
        names = set(next(csv.reader(file)))
    assert {"val/f1", "train/loss"} < names
    assert any(name.startswith("train/lr") for name in names)
    assert "run_training_batch" in (folder / "fit-profile.txt").read_text()
    (run,) = result.runs()
    assert {"val/f1", "train/loss"} < set(run.data.metrics)
    # Whoever uses the run need not have these classes, nor trust them.
    stored = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["idc"]["config"]
    assert "logger" not in stored
    assert set(stored["callbacks"]) == {"early_stopping", "ema", "resizing"}
    assert "profiler" not in stored["trainer"]
    again = cli(f"resume={run.info.run_id}", "trainer.max_epochs=2", RATES)
    assert again.code == 0, again.err
    assert not (again.folders[-1] / "lightning_logs").exists()


def test_null_turns_a_callback_off(compose: Compose) -> None:
    both = compose("callbacks.ema.decay=0.9", "monitor.metric=val/auroc")
    stopping, averaging = build_configured_callbacks(both)
    assert isinstance(stopping, EarlyStopping)
    assert (stopping.monitor, stopping.patience, stopping.mode) == ("val/auroc", 5, "max")
    assert isinstance(averaging, EMAWeightAveraging)
    assert not build_configured_callbacks(compose("callbacks.early_stopping.patience=null"))


def test_learning_rates_are_logged_once(compose: Compose, tmp_path: Path) -> None:
    for overrides in ((), (RATES,)):
        callbacks = build_callbacks(compose(*overrides), tmp_path, logged=True)
        assert sum(isinstance(one, LearningRateMonitor) for one in callbacks) == 1


def test_a_logger_saves_to_the_folder_of_its_run_unless_it_says(
    compose: Compose, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    for more, folder in (((), tmp_path), ((f"+logger.csv.save_dir={elsewhere}",), elsewhere)):
        (logger,) = build_loggers(compose(CSV, *more), tmp_path)
        assert isinstance(logger, CSVLogger)
        assert Path(logger.save_dir) == folder


@pytest.mark.parametrize(
    ("override", "place"),
    [
        ("+callbacks.x.patience=3", "callbacks.x"),
        ("+callbacks.x._target_=pytorch_lightning.callbacks.Absent", "callbacks.x._target_="),
        ("+callbacks.x._target_=pytorch_lightning.loggers.CSVLogger", "callbacks.x._target_="),
        ("+logger.x._target_=nowhere.Logger", "logger.x._target_=nowhere.Logger"),
        ("+logger.x=csv", "logger.x"),
    ],
)
def test_what_is_neither_is_refused_before_any_data_are_read(
    compose: Compose, override: str, place: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        check_plugins(compose(override))
    assert str(refused.value).startswith(place)
