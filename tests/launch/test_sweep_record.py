"""What the jobs of a sweep share reaches them as a file."""

from pathlib import Path

import pytest

from idc.errors import CheckpointError
from idc.launch.folders import SWEEP
from idc.launch.sweep_record import Sweep, job_name, load_sweep, settings_of


def test_a_saved_sweep_is_read_again_without_its_uri(tmp_path: Path) -> None:
    sweep = Sweep(
        tmp_path,
        ["seed=1,2"],
        ["seed"],
        parent="abc",
        done={"seed=1": "def"},
        config={"tracking": {"kind": "server", "uri": "http://user:sekret@host"}},
        planned=[["seed=1"], ["seed=2"]],
    )
    sweep.save()
    assert "sekret" not in (tmp_path / SWEEP).read_text()
    loaded = load_sweep(tmp_path)
    assert loaded is not None
    assert loaded.config == {"tracking": {"kind": "server", "uri": None}}
    loaded.config = sweep.config
    assert loaded == sweep


def test_no_file_is_no_sweep_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    assert load_sweep(tmp_path) is None
    for content in ("{", "[]", '{"folder": "/x", "surprise": 1}', "{}"):
        (tmp_path / SWEEP).write_text(content)
        with pytest.raises(CheckpointError, match=f"{SWEEP} is damaged"):
            load_sweep(tmp_path)


def test_a_job_is_named_after_what_varies() -> None:
    overrides = ["seed=2", "backbone=vgg16", "+trainer.x=[1,2]", "sweep.resume=abc", "name=y"]
    settings = settings_of(overrides, ["backbone", "trainer.x", "sweep.resume", "seed"])
    assert list(settings.items()) == [
        *(("seed", "2"), ("backbone", "vgg16"), ("trainer.x", "[1,2]"), ("sweep.resume", "abc")),
    ]
    assert job_name(settings) == "seed=2,backbone=vgg16,trainer.x=[1,2]"
