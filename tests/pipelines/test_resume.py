"""A resumed run equals an unbroken one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from conftest import (
    IDC_TINY,
    TINY,
    Cli,
    Folder,
    Once,
    Result,
    copied_database,
    copy_root,
    in_process,
)
from idc.data.dataset import Batch
from idc.models.backbone import Backbone
from idc.models.classifier import PatchClassifier

RUN = (
    *TINY,
    "backbone=vanilla_cnn",
    "head=mlp",  # dropout
    "augment=light",
    "augment.mixup=0.3",
    "callbacks.ema.decay=0.8",
    "trainer.max_epochs=4",
)


class PowerCutError(Exception):
    pass


Step = Callable[[PatchClassifier, object, int], torch.Tensor]


def cut_in(epoch: int, step: Step, batch: int = 1) -> Step:
    def cut(self: PatchClassifier, images: object, batch_idx: int) -> torch.Tensor:
        if self.current_epoch == epoch and batch_idx == batch:
            raise PowerCutError("the lights went out")
        return step(self, images, batch_idx)

    return cut


@pytest.fixture
def broken(once: Once, empty_database: Path, tmp_path: Path) -> Result:
    """A run that died in the middle of its third epoch, in this test's own root."""

    def make(root: Path) -> None:
        with copied_database(empty_database), pytest.MonkeyPatch.context() as patch:
            cut = cut_in(2, PatchClassifier.training_step)
            patch.setattr(PatchClassifier, "training_step", cut)
            assert in_process("train", root, *RUN).code == 1

    result = copy_root(once("broken", make), tmp_path)
    (run,) = result.runs()
    assert run.info.status == "FAILED"
    return result


@pytest.fixture
def unbroken(once: Once, empty_database: Path) -> Path:
    """The folder of the same run, which nothing broke; only to be read."""

    def make(root: Path) -> None:
        with copied_database(empty_database):
            result = in_process("train", root, *RUN)
        assert result.code == 0, result.err

    root = once("unbroken", make)
    (folder,) = Result(0, "", "", root).folders
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def outcome(folder: Path) -> dict[str, object]:
    return json.loads((folder / "outcome.json").read_text())


def assert_equal_runs(one: Path, other: Path) -> None:
    theirs = weights(other)
    for name, value in weights(one).items():
        assert torch.equal(value, theirs[name]), name
    assert outcome(one)["metrics"] == outcome(other)["metrics"]
    history = "training/history.csv"
    assert (one / history).read_text() == (other / history).read_text()


def test_by_run_id_in_the_same_mlflow_run(cli: Cli, broken: Result, unbroken: Path) -> None:
    (run,) = broken.runs()
    resumed = cli(f"resume={run.info.run_id}")
    assert resumed.code == 0, resumed.err
    (run,) = resumed.runs()
    assert run.info.status == "FINISHED"
    # What the run was told to leave out is still left out.
    kept = yaml.safe_load((resumed.folders[-1] / "config.yaml").read_text())["tracking"]
    assert (kept["log_model"], kept["system_metrics"]) == (False, False)
    assert not run.outputs.model_outputs
    steps = [m.step for m in resumed.client.get_metric_history(run.info.run_id, "val/f1")]
    assert len(steps) == 4
    # Its own name, not that of the default choices which the command composes.
    name = run.info.run_name
    assert "vanilla_cnn" in name
    assert outcome(resumed.folders[-1])["name"] == name
    assert_equal_runs(resumed.folders[1], unbroken)


def test_ended_twice_and_torn_it_goes_on_from_what_is_whole(
    cli: Cli, unbroken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second attempt ends before it has a checkpoint of its own, and its copy is damaged."""
    alone = (*RUN, "tracking.log_checkpoints=false")
    with monkeypatch.context() as patch:
        patch.setattr(PatchClassifier, "training_step", cut_in(2, PatchClassifier.training_step))
        result = cli(*alone)
    assert result.code == 1
    (run,) = result.runs()
    run_id = run.info.run_id
    with monkeypatch.context() as patch:
        patch.setattr(PatchClassifier, "training_step", cut_in(2, PatchClassifier.training_step, 0))
        result = cli(f"resume={run_id}", "tracking.log_checkpoints=false")
    assert result.code == 1
    first, second = (folder / "checkpoints" for folder in result.folders)
    assert (first / "last.ckpt").read_bytes() == (second / "last.ckpt").read_bytes()
    torn = (second / "last.ckpt").read_bytes()
    (second / "last.ckpt").write_bytes(torn[: len(torn) // 2])
    result = cli(f"resume={run_id}", "tracking.log_checkpoints=false")
    assert result.code == 0, result.err
    assert "going on from" in result.err and "best.ckpt" in result.err
    (run,) = result.runs()
    assert run.info.status == "FINISHED"
    assert_equal_runs(result.folders[-1], unbroken)


def test_by_checkpoint(cli: Cli, broken: Result, unbroken: Path) -> None:
    checkpoint = broken.folders[0] / "checkpoints" / "last.ckpt"
    resumed = cli(f"resume={checkpoint}", "tracking=none")
    assert resumed.code == 0, resumed.err
    assert_equal_runs(resumed.folders[1], unbroken)


def test_augmentation_on_the_device_goes_on_too(cli: Cli) -> None:
    run = (*TINY, "augment=gpu", "scheduler=constant", "tracking=none")
    first = cli(*run, "trainer.max_epochs=1")
    checkpoint = first.folders[0] / "checkpoints" / "last.ckpt"
    assert cli(f"resume={checkpoint}", "trainer.max_epochs=3", "tracking=none").code == 0
    unbroken = cli(*run, "trainer.max_epochs=3")
    _, second, third = unbroken.folders
    assert_equal_runs(second, third)


@pytest.mark.parametrize("cut_at", [1, 2])
def test_in_any_phase_of_progressive_resizing(
    cut_at: int, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small images come first, in larger batches; validation sees whole ones, resumed or not."""
    seen: set[tuple[bool, int, int, int]] = set()
    epoch = 0
    step, forward = PatchClassifier.training_step, Backbone.__call__

    def note(module: PatchClassifier, batch: Batch, index: int) -> torch.Tensor:
        nonlocal epoch
        epoch = module.current_epoch
        if stops and epoch == cut_at:
            raise RuntimeError("cut")
        return step(module, batch, index)

    def look(backbone: Backbone, images: torch.Tensor) -> torch.Tensor:
        if images.device.type != "meta" and len(images) > 1:
            seen.add((backbone.training, epoch, len(images), images.shape[-1]))
        return forward(backbone, images)

    monkeypatch.setattr(PatchClassifier, "training_step", note)
    monkeypatch.setattr(Backbone, "__call__", look)
    options = [o for o in RUN if not o.startswith("trainer.max_epochs")]
    sizes = (
        "callbacks.resizing.sizes=[[0,25],[1,36],[2,50]]",
        "trainer.max_epochs=3",
        "tracking=none",
    )
    run = (*options, *sizes, "loader.batch_size=6", "tracking=none")
    stops = True
    assert cli(*run).code == 1
    stops = False
    unbroken = cli(*run)
    assert unbroken.code == 0, unbroken.err
    trained = {key[1:] for key in seen if key[0]}
    assert trained == {(0, 24, 25), (1, 6, 36), (2, 6, 50)}
    assert {size for training, *_, size in seen if not training} == {50}
    broken, whole = unbroken.folders
    seen.clear()
    resumed = cli(f"resume={broken / 'checkpoints' / 'last.ckpt'}", "tracking=none")
    assert resumed.code == 0, resumed.err
    assert {key[1] for key in seen if key[0]} == set(range(cut_at, 3))
    assert_equal_runs(resumed.folders[-1], whole)


def test_a_backbone_of_one_size_is_refused_for_others(cli: Cli) -> None:
    result = cli(*TINY, "callbacks.resizing.sizes=[[0,25],[1,50]]", "trainer.max_epochs=2")
    assert result.code == 1
    assert "callbacks.resizing.sizes" in result.err and "images of 25" in result.err


@pytest.mark.parametrize("scheduler", ["cosine", "one_cycle", "plateau"])
def test_a_finished_run_trains_longer(cli: Cli, scheduler: str) -> None:
    first = cli(*TINY, f"scheduler={scheduler}")
    (run,) = first.runs()
    longer = cli(f"resume={run.info.run_id}", "trainer.max_epochs=3")
    assert longer.code == 0, longer.err
    history = (longer.folders[1] / "training" / "history.csv").read_text()
    assert {line.split(",")[0] for line in history.splitlines()[1:]} == {"1", "2", "3"}


def test_what_was_trained_on_is_never_tested_on(cli: Cli, broken: Result) -> None:
    """Another split, or other data, on resume would leak patients."""
    (run,) = broken.runs()
    patients = set(pd.read_parquet(broken.folders[0] / "split.parquet")["patient"])
    train = pd.read_parquet(broken.folders[0] / "split.parquet").query("split == 'train'")
    was = run.info
    other = cli(f"resume={run.info.run_id}", f"split.test_patients=[{train['patient'].iloc[0]}]")
    assert other.code == 1
    assert "would change splits" in other.err
    assert len(patients) == 5
    drawn = cli(f"resume={run.info.run_id}", "data.seed=1")
    assert drawn.code == 1
    assert "the data differ" in drawn.err or "would change splits" in drawn.err
    (run,) = drawn.runs()
    assert (run.info.status, run.info.end_time) == (was.status, was.end_time)  # never reopened


def test_after_a_kill_the_checkpoint_in_its_folder_is_taken(
    cli: Cli, broken: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed outright leaves no artifact: its folder has the checkpoint."""
    from idc.pipelines import resume

    def gone(*arguments: object) -> Path:
        raise AssertionError("no artifact was ever logged")

    monkeypatch.setattr(resume, "fetch_artifact", gone)
    (run,) = broken.runs()
    assert cli(f"resume={run.info.run_id}").code == 0


def test_a_lone_last_checkpoint_goes_on(cli: Cli, broken: Result, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere" / "mine.ckpt"
    alone.parent.mkdir()
    shutil.copyfile(broken.folders[0] / "checkpoints" / "last.ckpt", alone)
    result = cli(f"resume={alone}", "tracking=none")
    assert result.code == 0, result.err
    assert (result.folders[-1] / "split.parquet").is_file()


def test_values_that_repeat_another_follow_its_change(cli: Cli, kaggle: Folder) -> None:
    """A run's configuration is stored resolved: the source's root still follows data.root."""
    root = kaggle({str(p): (8, 8) for p in range(6)})
    first = cli(*IDC_TINY, f"data.root={root}", "tracking=none", "data.image_size=50")
    assert first.code == 0, first.err
    moved = root.rename(root.with_name("moved"))
    checkpoint = first.folders[0] / "checkpoints" / "last.ckpt"
    stored = torch.load(checkpoint, weights_only=True)["idc"]["config"]
    assert "${" not in str(stored)
    options = ("tracking=none", "trainer.max_epochs=2", "data=idc")
    result = cli(f"resume={checkpoint}", f"data.root={moved}", *options)
    assert result.code == 0, result.err
    config = yaml.safe_load((result.folders[1] / "config.yaml").read_text())
    assert config["data"]["source"]["root"] == config["data"]["root"]
    assert config["data"]["root"].endswith("moved")
