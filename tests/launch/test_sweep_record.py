"""What the jobs of a sweep share reaches them as a file; jobs are known by what they wrote down."""

from pathlib import Path

import pytest

from idc.errors import CheckpointError, ConfigError
from idc.launch.folders import SWEEP
from idc.launch.sweep_record import (
    StartedJob,
    Sweep,
    job_name,
    load_sweep,
    register,
    registered,
    settings_of,
    spare_folder,
    sweep_of,
)
from idc.runtime.outcome import Outcome


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


def job(number: int, folder: Path, done: str | None = None) -> StartedJob:
    folder.mkdir(parents=True, exist_ok=True)
    return StartedJob(number, f"seed={number}", folder, done)


def test_jobs_at_any_depth_and_elsewhere_are_known_by_number(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    jobs = [job(0, sweep / "s0" / "a" / "b"), job(2, tmp_path / "far"), job(10, sweep / "10")]
    for one in reversed(jobs):
        register(sweep, one)
    assert registered(sweep) == jobs
    assert [sweep_of(one.folder) for one in jobs] == [sweep] * 3
    assert sweep_of(sweep) is None
    register(sweep, jobs[0])  # started again, after its process was ended
    assert registered(sweep) == jobs


def test_two_jobs_never_share_a_folder(tmp_path: Path) -> None:
    sweep, folder = tmp_path / "sweep", tmp_path / "sweep" / "same"
    register(sweep, job(0, folder))
    with pytest.raises(ConfigError, match=r"two jobs of this sweep.*\$\{hydra\.job\.num\}"):
        register(sweep, job(1, folder))
    assert [one.folder for one in registered(sweep)] == [folder, spare_folder(sweep, 1)]


def test_a_folder_of_another_run_or_sweep_is_left_alone(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    Outcome("a", run_id="abc").save(run)
    register(other, job(0, other / "0"))
    for folder in (run, other / "0"):
        with pytest.raises(ConfigError, match=r"hydra\.sweep\.subdir"):
            register(tmp_path / "sweep", job(0, folder))
    assert sweep_of(run) is None
    assert sweep_of(other / "0") == other
    register(tmp_path / "sweep", job(0, run, done="abc"))  # of which nothing is run
