"""What a training leaves before and after it has trained."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from stored_run import CLASSES, SMALL, LoggedRun

from idc.data.material import Material
from idc.models.history import History
from idc.pipelines.build import build_datamodule
from idc.pipelines.dataset import load_material
from idc.pipelines.evaluation_artifacts import _cost
from idc.pipelines.run_context import RunContext
from idc.pipelines.training_artifacts import (
    record_config,
    record_inputs,
    record_training,
    save_start,
)
from idc.runtime.cost import Cost
from idc.runtime.outcome import Outcome
from idc.tracking.privacy import Redactor

SPLITS = ("split.val_patients=[9003]", "split.test_patients=[9004]")
Make = Callable[..., tuple[RunContext, LoggedRun]]


@pytest.fixture
def make(compose: Callable[..., dict[str, Any]], tmp_path: Path) -> Make:
    def context(*overrides: str) -> tuple[RunContext, LoggedRun]:
        config = compose(*SMALL, *SPLITS, f"paths.root={tmp_path}", "report=false", *overrides)
        run, folder = LoggedRun(), tmp_path / "runs" / "a"
        folder.mkdir(parents=True)
        redactor = Redactor(True, None, tmp_path)
        return RunContext(Outcome("mine", run_id="a"), config, folder, redactor, run), run

    return context


def test_a_run_can_be_started_anew_from_what_it_logs_first(make: Make) -> None:
    context, run = make()
    save_start(context, {"data.source.root": "data.root"})
    record_config(context, {"seed": "1"})
    assert run.files == ["config.yaml"]
    assert json.loads(run.logged["idc.settings"]) == {"seed": "1"}
    start = json.loads((context.folder / "start.json").read_text())
    assert start["mirrors"] == {"data.source.root": "data.root"}
    logged = yaml.safe_load((context.folder / "config.yaml").read_text())
    assert logged["split"] == start["config"]["split"]
    for config in (logged, start["config"]):
        assert "paths" not in config  # of this machine


def test_inputs(make: Make) -> None:
    context, run = make()
    material: Material = load_material(context.config)
    data = build_datamodule(context.config, material)
    record_inputs(context, {"seed": "1"}, material, data)
    values, train = run.logged, material.rows("train")
    assert values["data.fingerprint"] == material.fingerprint
    assert json.loads(values["data.class_names"]) == list(CLASSES)
    assert values["split.train.patches"] == len(train)
    assert values["split.train.class_1"] == (train["label"] == 1).sum()
    assert values["backbone"] == "simple_cnn"
    assert values["dataset train"] == f"{material.fingerprint}-train"
    assert values["leaks/patients"] == 0
    assert set(run.files) == {"split.parquet", "split.csv"}
    split = pd.read_parquet(context.folder / "split.parquet")
    assert split["split"].tolist() == material.used["split"].tolist()
    again, resumed = make_again(context)
    record_inputs(again, {}, material, data, again=True)
    assert not any(name.startswith("dataset") for name in resumed.logged)


def make_again(context: RunContext) -> tuple[RunContext, LoggedRun]:
    run = LoggedRun()
    return RunContext(context.outcome, context.config, context.folder, context.redactor, run), run


@pytest.mark.parametrize("logs", [True, False])
def test_a_training_that_was_cut_leaves_its_curves(make: Make, logs: bool) -> None:
    context, run = make(f"tracking.log_checkpoints={str(logs).lower()}")
    record_training(context, History())
    assert run.files == []  # nothing was measured yet
    history = History()
    history.add(0, {"train/loss": 0.5, "val/f1": 0.25})
    (context.folder / "checkpoints").mkdir()
    (context.folder / "checkpoints" / "last.ckpt").write_bytes(b"weights")
    record_training(context, history)
    assert run.files == ["training/history.csv", *(["checkpoints/last.ckpt"] if logs else [])]
    table = pd.read_csv(context.folder / "training" / "history.csv")
    assert set(zip(table["stage"], table["metric"], table["value"], strict=True)) == {
        ("train", "loss", 0.5),
        ("val", "f1", 0.25),
    }


def test_energy_is_known_only_if_each_stage_was_measured() -> None:
    both = _cost({"train": Cost(2.0, 3.6e6, ("GPU",)), "evaluate": Cost(1.0, 3.6e6, ("GPU",))})
    assert both["energy_kwh"] == pytest.approx(2)
    assert both["train_seconds"] == 2.0
    assert "GPU" in both["energy_words"]
    assert _cost({"train": Cost(2.0, 3.6e6), "evaluate": Cost(1.0)})["energy_kwh"] is None
    assert _cost({})["energy_kwh"] is None
