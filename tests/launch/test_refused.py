"""What Hydra refuses comes back as one sentence with a suggestion, and never as a traceback."""

import pytest

from conftest import Cli


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("max_epoch=3",), ("max_epoch:", "did you mean trainer.max_epochs?")),
        (("trainer.max_epoch=3",), ("trainer.max_epoch:", "did you mean trainer.max_epochs?")),
        (("-m", "max_epoch=1,2"), ("max_epoch:", "did you mean trainer.max_epochs?")),
        (("bakbone=vgg16",), ("bakbone:", "did you mean backbone?")),
        (("backbone=resnet5",), ("backbone=resnet5:", "did you mean backbone=resnet50?", "vgg16")),
        (("-m", "backbone=resnet5,vgg16"), ("did you mean backbone=resnet50?",)),
        (("explain=[gradcam,oclusion]",), ("did you mean explain=occlusion?",)),
        (("data.root=DIR",), ("data.root:", "data=synthetic", "folder")),
        (("~nothing",), ("nothing:",)),
        (("seed=1,2",), ("seed=1,2", "-m")),
        (("name=a=b",), ("name=a=b", "quote")),
        (("trainer.max_epochs",), ("trainer.max_epochs", "NAME=VALUE")),
        (("+backbone=vgg16",), ("backbone", "without the plus")),
        (("+seed=1",), ("seed",)),
        (("hydra/sweeper=optuna",), ("hydra/sweeper=optuna", "-m")),
        (("hydra/launcher=submitit_slurm",), ("idc[slurm]",)),
        (("--config-dir", "/nowhere/at/all"), ("/nowhere/at/all",)),
        (("--config-name", "nothing"), ("nothing",)),
        (("data=run",), ("data=run",)),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else None,
)
def test_a_command_line_that_cannot_work_is_one_sentence(
    cli: Cli, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    result = cli(*arguments)
    assert result.code == 1
    assert [line.startswith("error: ") for line in result.err.splitlines()].count(True) == 1
    assert "Traceback" not in result.err + result.out
    for word in words:
        assert word in result.err
    assert not (result.root / "mlruns").exists()


def test_a_group_of_another_app_is_named(app: "Cli") -> None:
    result = app("compare")("leval=0.9")
    assert "did you mean intervals.level?" in result.err
    assert "idc compare --help" in result.err
