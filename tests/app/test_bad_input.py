"""Every kind of bad input: one clear error, a non-zero exit, nothing half-written."""

import os
import resource
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from conftest import BREAKS, IDC_TINY, TINY, Cli, Result
from idc.data.sources.synthetic import kaggle_path

Folder = Callable[..., Path]
FIVE = {f"900{i}": (12, 8) for i in range(5)}


def refused(result: Result, *words: str, runs: int = 0) -> None:
    """One error, said once; by default it leaves no run, and any that there is has failed."""
    assert result.code == 1
    errors = [line for line in result.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.err
    assert (result.out + result.err).count(errors[0].removeprefix("error: ")[:100]) == 1
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err, f"{word!r} not in {result.err}"
    if (result.root / "mlruns" / "mlflow.db").exists():
        found = result.runs()
        assert all(run.info.status == "FAILED" for run in found)
        assert len(found) == runs
    assert not list(result.root.rglob("*.part"))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.lr=-0.1", ("optimizer.lr=-0.1", "above 0")),
        ("monitor.mode=min", ("monitor.mode=min", "val/f1")),
        ("backbone.unfreeze_every=2", ("backbone.unfreeze_every", "backbone.freeze")),
        ("trainer=gpu", ("no CUDA GPU",)),
    ],
)
def test_wrong_values_are_refused_by_name_before_anything_is_written(
    cli: Cli, override: str, words: tuple[str, ...]
) -> None:
    """Some of each kind; tests/config/test_check.py has every option."""
    arguments = [o for o in TINY if not (override == "trainer=gpu" and o.startswith("trainer."))]
    result = cli(*arguments, override)
    refused(result, *words)
    assert not (result.root / "mlruns").exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("backbone=resnet51", ("resnet51", "resnet50", "vgg16")),
        ("optimzer.lr=1", ("optimzer",)),
        ("trainer.max_epoch=3", ("max_epoch",)),
    ],
)
def test_wrong_overrides_get_hydras_own_error(
    cli: Cli, override: str, words: tuple[str, ...]
) -> None:
    result = cli(override)
    assert result.code == 1
    for word in words:
        assert word in result.err


def test_freezing_an_unknown_stage_names_the_stages(cli: Cli) -> None:
    refused(cli(*TINY, "backbone.freeze=layer3"), "backbone.freeze=layer3", "conv", runs=0)


def test_missing_root(cli: Cli, tmp_path: Path) -> None:
    refused(cli(*IDC_TINY), "data.root")
    refused(cli(*IDC_TINY, f"data.root={tmp_path / 'nowhere'}"), "data.root", "nowhere")


def test_empty_root(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(cli(*IDC_TINY, f"data.root={tmp_path / 'empty'}"), "no image found", "_idx5_x")


def test_no_positives(cli: Cli, kaggle: Folder) -> None:
    root = kaggle({f"900{i}": (12, 0) for i in range(5)})
    refused(cli(*IDC_TINY, f"data.root={root}"), "of class 'IDC'")


def test_one_patient(cli: Cli, kaggle: Folder) -> None:
    refused(cli(*IDC_TINY, f"data.root={kaggle({'9001': (12, 8)})}"), "1 patient", "at least 3")


def test_unknown_test_patient(cli: Cli, kaggle: Folder) -> None:
    result = cli(*IDC_TINY, f"data.root={kaggle(FIVE)}", "split.test_patients=[8863]")
    refused(result, "no patient 8863", "9001")


BROKEN = {
    **BREAKS,
    "wrong name": lambda p: p.rename(p.with_name("IMG_0001.png")),
    "wrong folder": lambda p: p.rename(p.parents[1] / "1" / p.name),
}
SKIPS = {
    **dict.fromkeys(("corrupt", "0-byte"), "audit.unreadable=drop"),
    "truncated": "audit.truncated=drop",
    **dict.fromkeys(("16-bit", "grey", "RGBA"), "audit.odd_mode=drop"),
    "wrong name": "audit.bad_name=drop",
    "wrong folder": "audit.label_mismatch=drop",
}


@pytest.mark.parametrize("how", ["corrupt", "wrong name", "wrong folder"])
def test_broken_files_fail_by_name(cli: Cli, kaggle: Folder, how: str) -> None:
    """All kinds are in tests/data/sources/test_idc.py, and in the next test."""
    root = kaggle(FIVE)
    path = root / kaggle_path("9002", 1, 1, 0)
    BROKEN[how](path)
    name = "IMG_0001.png" if how == "wrong name" else path.name
    refused(cli(*IDC_TINY, f"data.root={root}"), name)


def test_broken_files_are_skipped_and_counted(cli: Cli, kaggle: Folder) -> None:
    root = kaggle(FIVE)
    for number, how in enumerate(BROKEN):
        BROKEN[how](root / kaggle_path("9002", 50 * number + 1, 1, 0))
    result = cli(*IDC_TINY, f"data.root={root}", *sorted(set(SKIPS.values())))
    assert result.code == 0, result.err
    notes = result.runs()[0].data.tags["data.notes"]
    for option, count in Counter(SKIPS[how] for how in BROKEN).items():
        assert f'{option[6:-5]}: dropped": {count}' in notes, option


def test_files_passed_over_are_refused_by_name_or_counted(cli: Cli, kaggle: Folder) -> None:
    """Half of a set has other suffixes or lies elsewhere: nothing of it goes without a word."""
    root = kaggle(FIVE)
    for path in sorted((root / "9001" / "0").glob("*.png")):
        path.rename(path.with_suffix(".PNG"))
    for path in sorted((root / "9002" / "1").glob("*.png"))[:3]:
        path.rename(root / "9002" / path.name)
    arguments = (*IDC_TINY, f"data.root={root}")
    refused(cli(*arguments), "not_read: 3", "9002/9002_idx5_x101_y51_class1.png", "not_read=drop")
    for again in range(2):  # from the files, then from the store
        result = cli(*arguments, "audit.not_read=drop")
        assert result.code == 0, result.err
        assert '"not_read: dropped": 3' in result.runs()[0].data.tags["data.notes"], again
    split = pd.read_parquet(result.folders[-1] / "split.parquet")
    assert len(split) == 97
    refused_now = cli(*arguments)  # the store remembers
    assert refused_now.code == 1
    assert "not_read: 3" in refused_now.err


def test_nan_loss_stops_with_advice(cli: Cli) -> None:
    result = cli(*TINY, "optimizer=sgd", "optimizer.lr=1e30", "trainer.max_epochs=5")
    refused(result, "diverged", "optimizer.lr", runs=1)
    artifacts = [a.path for a in result.client.list_artifacts(result.runs()[0].info.run_id)]
    assert "traceback.txt" in artifacts
    assert "console.log" in artifacts


def test_store_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mlruns").write_text("a file where a folder should be")
    result = cli(*TINY)
    assert result.code == 1
    assert "error: tracking: cannot write to" in result.err
    assert "tracking=none" in result.err


def test_a_folder_as_tracking_uri_is_refused(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path / "somewhere"))
    result = cli(*TINY)
    assert result.code == 1
    assert "sqlite:///FILE" in result.err


def test_full_disk_says_so(cli: Cli) -> None:
    """A limit on file size stands in for a full disk: the checkpoint does not fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        result = cli(*TINY, "backbone=resnet18")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    refused(result, "cannot write", runs=1)
    assert not list(result.root.rglob("*.ckpt"))


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, ("touch pickle_bomb_went_off",))


def test_pickle_bombs_do_not_go_off(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bomb = tmp_path / "bomb.ckpt"
    torch.save({"idc": Bomb(), "state_dict": Bomb()}, bomb)
    refused(cli(*TINY, f"resume={bomb}"), "bomb.ckpt", "run code")
    refused(cli(*TINY, f"backbone.weights={bomb}"), "bomb.ckpt", "run code")
    assert not list(tmp_path.rglob("pickle_bomb_went_off"))


def test_checkpoints_of_another_backbone_are_refused(cli: Cli) -> None:
    first = cli(*TINY)
    assert first.code == 0, first.err
    checkpoint = first.folders[0] / "checkpoints" / "last.ckpt"
    kept = checkpoint.with_name("kept.ckpt")
    shutil.copy(checkpoint, kept)
    result = cli(f"resume={kept}", "backbone=vanilla_cnn")
    assert result.code == 1
    assert "backbone=vanilla_cnn" in result.err
    result = cli(*TINY, "backbone=vanilla_cnn", f"backbone.weights={kept}")
    assert result.code == 1
    assert "does not fit this backbone" in result.err
