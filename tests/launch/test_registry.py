"""Jobs are known by what they wrote down, wherever they lie, and share no folder."""

from pathlib import Path

import pytest

from idc.errors import ConfigError
from idc.launch.registry import StartedJob, register, registered, spare_folder, sweep_of
from idc.runtime.outcome import Outcome


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
