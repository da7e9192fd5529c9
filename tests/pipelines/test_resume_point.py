"""Where a run resumes, from which checkpoint, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from stored_run import SMALL, write_run

from idc.data.material import Material
from idc.errors import CheckpointError, ConfigError, DataError
from idc.pipelines.dataset import load_material
from idc.pipelines.resume import ResumePoint, resume_point

Config = dict[str, Any]
SPLITS = ("split.val_patients=[9003]", "split.test_patients=[9004]")


@pytest.fixture
def config(compose: Callable[..., Config], tmp_path: Path) -> Config:
    config = compose(*SMALL, f"paths.root={tmp_path}", *SPLITS)
    write_run(config)
    return config


@pytest.fixture
def checkpoints(config: Config, tmp_path: Path) -> Path:
    return tmp_path / "runs" / "a" / "checkpoints"


@pytest.fixture
def resume(config: Config, compose: Callable[..., Config], tmp_path: Path) -> Callable[..., Any]:
    """Resume without tracking, from a file."""

    def point(file: Path, *overrides: str) -> ResumePoint:
        now = compose(f"paths.root={tmp_path}", *overrides)
        return resume_point(str(file), now, overrides, None, tmp_path / "new")

    return point


def test_the_run_is_its_own_but_for_single_values(
    resume: Callable[..., ResumePoint], checkpoints: Path, config: Config
) -> None:
    point = resume(checkpoints / "last.ckpt", "trainer.max_epochs=77")
    assert point.checkpoint == checkpoints / "last.ckpt"
    assert point.best == checkpoints / "best.ckpt"
    assert point.run_id is None  # without tracking
    assert not point.trained
    assert point.config["trainer"]["max_epochs"] == 77
    for part in ("backbone", "split", "optimizer", "loader"):
        assert point.config[part] == config[part]
    assert resume(checkpoints / "last.ckpt", "backbone=simple_cnn").config["backbone"]
    for override, reason in (("backbone=vgg16", "backbone=vgg16"), ("+nothing=1", "no nothing")):
        with pytest.raises(ConfigError, match=reason):
            resume(checkpoints / "last.ckpt", override)


def test_a_damaged_last_checkpoint_gives_way_to_the_best(
    resume: Callable[..., ResumePoint], checkpoints: Path
) -> None:
    last = checkpoints / "last.ckpt"
    last.write_bytes(last.read_bytes()[:500])
    assert resume(last).checkpoint == checkpoints / "best.ckpt"
    (checkpoints / "best.ckpt").unlink()
    with pytest.raises(CheckpointError, match=r"last\.ckpt"):
        resume(last)


def test_a_best_checkpoint_that_is_damaged_is_forgotten(
    resume: Callable[..., ResumePoint], checkpoints: Path, tmp_path: Path
) -> None:
    (checkpoints / "best.ckpt").write_bytes(b"half of a file")
    point = resume(checkpoints / "last.ckpt")
    assert point.best is None
    point.bring(tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["last.ckpt"]


def test_checkpoints_are_brought_to_the_new_folder(
    resume: Callable[..., ResumePoint], checkpoints: Path, tmp_path: Path
) -> None:
    resume(checkpoints / "last.ckpt").bring(tmp_path / "new")
    for name in ("best.ckpt", "last.ckpt"):
        here, there = (torch.load(f / name) for f in (tmp_path / "new", checkpoints))
        assert here["global_step"] == there["global_step"]


def test_what_was_trained_on_is_never_tested(
    resume: Callable[..., ResumePoint], checkpoints: Path, config: Config
) -> None:
    point, material = resume(checkpoints / "last.ckpt"), load_material(config)
    point.require_same_data(material)
    split = material.index["split"].to_numpy(object).copy()
    split[(material.index["patient"] == "9001").to_numpy()] = "test"
    with pytest.raises(DataError, match=r"1 patient\(s\) would change splits \(9001\)"):
        point.require_same_data(material.with_splits(split))
    with pytest.raises(DataError) as refused:
        point.require_same_data(replace(material, fingerprint="other"))
    assert "(fingerprint other, expected" in str(refused.value)
    fewer = _without_one(material)
    with pytest.raises(DataError, match="patches would change splits"):
        point.require_same_data(fewer)
    replace(point, checkpoint=None).require_same_data(fewer)  # it has not trained yet


def _without_one(material: Material) -> Material:
    split = material.index["split"].to_numpy(object).copy()
    split[material.rows("train").index[0]] = ""
    return material.with_splits(split)


@pytest.mark.parametrize("reference", ["0123456789abcdef", "nowhere/last.ckpt"])
def test_a_reference_to_nothing(resume: Callable[..., ResumePoint], reference: str) -> None:
    with pytest.raises(CheckpointError, match=f"resume={reference}"):
        resume(Path(reference))
