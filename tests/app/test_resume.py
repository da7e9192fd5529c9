"""A resumed run equals an unbroken one."""

import json
from pathlib import Path

import pytest
import torch

from conftest import TINY, Cli, Result
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


@pytest.fixture
def broken(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Result:
    """A run that died in the middle of its third epoch."""
    step = PatchClassifier.training_step

    def cut(self: PatchClassifier, batch: object, batch_idx: int) -> torch.Tensor:
        if self.current_epoch == 2 and batch_idx == 1:
            raise PowerCutError("the lights went out")
        return step(self, batch, batch_idx)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(PatchClassifier, "training_step", cut)
        result = cli(*RUN)
    assert result.code == 1
    (run,) = result.runs()
    assert run.info.status == "FAILED"
    return result


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


def test_by_run_id_in_the_same_mlflow_run(cli: Cli, broken: Result) -> None:
    (run,) = broken.runs()
    resumed = cli(f"resume={run.info.run_id}")
    assert resumed.code == 0, resumed.err
    (run,) = resumed.runs()
    assert run.info.status == "FINISHED"
    steps = [m.step for m in resumed.client.get_metric_history(run.info.run_id, "val/f1")]
    assert len(steps) == 4
    unbroken = cli(*RUN)
    assert unbroken.code == 0, unbroken.err
    _, second, third = unbroken.folders
    assert_equal_runs(second, third)


def test_by_checkpoint(cli: Cli, broken: Result, tmp_path: Path) -> None:
    checkpoint = broken.folders[0] / "checkpoints" / "last.ckpt"
    resumed = cli(f"resume={checkpoint}", "tracking=none")
    assert resumed.code == 0, resumed.err
    unbroken = cli(*RUN)
    _, second, third = unbroken.folders
    assert_equal_runs(second, third)


@pytest.mark.parametrize("scheduler", ["cosine", "one_cycle", "plateau"])
def test_a_finished_run_trains_longer(cli: Cli, scheduler: str) -> None:
    first = cli(*TINY, f"scheduler={scheduler}")
    (run,) = first.runs()
    longer = cli(f"resume={run.info.run_id}", "trainer.max_epochs=3")
    assert longer.code == 0, longer.err
    history = (longer.folders[1] / "training" / "history.csv").read_text()
    assert {line.split(",")[0] for line in history.splitlines()[1:]} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("resume=0123456789abcdef",), "no run 0123456789abcdef"),
        (("resume=nowhere/last.ckpt",), "no such file"),
    ],
)
def test_unknown_references(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    result = cli(*TINY, *arguments)
    assert result.code == 1
    assert says in result.err


def test_another_value_may_change_but_not_another_choice(cli: Cli, broken: Result) -> None:
    (run,) = broken.runs()
    refused = cli(f"resume={run.info.run_id}", "head=linear")
    assert refused.code == 1
    assert "head=linear" in refused.err
    assert "keeps" in refused.err
