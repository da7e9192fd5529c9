"""A folder that an earlier command owns is refused, unless its own run is gone on with."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from idc.errors import ConfigError
from idc.launch.folders import EARLIER, require_free, set_aside
from idc.runtime.outcome import Outcome, load_outcome


def check(folder: Path, app: str = "train", **values: str) -> None:
    require_free(folder, OmegaConf.create(values), app, "hydra.run.dir")


@pytest.mark.parametrize("name", ["outcome.json", "sweep.json", "job.json"])
def test_what_a_run_a_sweep_and_a_job_leave_marks_their_folder(tmp_path: Path, name: str) -> None:
    check(tmp_path)
    (tmp_path / "console.log").touch()  # of a command that was refused
    check(tmp_path)
    (tmp_path / name).write_text("{torn")
    with pytest.raises(ConfigError, match=r"hydra\.run\.dir: .*Give another folder"):
        check(tmp_path)


def test_only_its_own_run_goes_on_in_a_folder(tmp_path: Path) -> None:
    Outcome("a", run_id="abc").save(tmp_path)
    checkpoint = tmp_path / "checkpoints" / "last.ckpt"
    check(tmp_path, resume="abc")
    check(tmp_path, resume=str(checkpoint))
    for other in ("abd", str(tmp_path.parent / "last.ckpt")):
        with pytest.raises(ConfigError, match="resume=abc goes on with that run"):
            check(tmp_path, resume=other)
    with pytest.raises(ConfigError):
        check(tmp_path, "evaluate", run="abc")


def test_a_job_that_the_cluster_starts_again_keeps_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    Outcome("a", "KILLED", run_id="abc").save(tmp_path)
    check(tmp_path)
    Outcome("a", "FINISHED", run_id="abc").save(tmp_path)
    with pytest.raises(ConfigError):
        check(tmp_path)


def test_a_review_is_opened_again_in_its_folder_and_nothing_else_is(tmp_path: Path) -> None:
    Outcome("review", run_id="abc", kind="review").save(tmp_path)
    check(tmp_path, "review", run="abc")
    for app, run in (("review", "abd"), ("explain", "abc")):
        with pytest.raises(ConfigError):
            check(tmp_path, app, run=run)


def test_an_earlier_attempt_is_kept_and_no_longer_read(tmp_path: Path) -> None:
    set_aside(tmp_path)
    assert not list(tmp_path.iterdir())
    for attempt in ("one", "two"):
        with (tmp_path / "console.log").open("a") as log:  # as the logging of this attempt has it
            log.write(f"{attempt}\n")
        Outcome(attempt, "FAILED").save(tmp_path)
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "best.ckpt").write_text(attempt)
        set_aside(tmp_path)
        assert {p.name for p in tmp_path.iterdir()} == {"console.log", EARLIER}
    assert (tmp_path / "console.log").read_text() == ""
    for number, attempt in enumerate(("one", "two"), start=1):
        kept = tmp_path / EARLIER / str(number)
        assert (kept / "console.log").read_text() == f"{attempt}\n"
        assert (kept / "checkpoints" / "best.ckpt").read_text() == attempt
        outcome = load_outcome(kept)
        assert outcome is not None
        assert outcome.name == attempt
