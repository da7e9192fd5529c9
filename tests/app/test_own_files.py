"""A run's files are its own: reused folders, sweeps of any depth, and where relative paths lead."""

import sys
from pathlib import Path

import pytest
from hydra.core.plugins import Plugins
from mlflow import MlflowClient

from conftest import TINY, Cli, Result
from idc.tracking.database import sqlite_uri

pytestmark = pytest.mark.slow
DIVERGING = ("optimizer=sgd", "optimizer.lr=1e9")


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def sweep_of(result: Result) -> "tuple[object, list[object]]":
    (parent,) = result.runs("tags.`idc.kind` = 'sweep'")
    return parent, result.runs(f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")


def test_another_run_is_refused_in_a_used_folder(cli: Cli, tmp_path: Path) -> None:
    folder = f"hydra.run.dir={tmp_path / 'X'}"
    first = cli(*TINY, folder)
    assert first.code == 0, first.err
    before = content(tmp_path / "X")
    second = cli(*TINY, folder, "trainer.check_val_every_n_epoch=2", "optimizer.lr=0.5")
    assert second.code == 1
    (run,) = second.runs()
    assert f"resume={run.info.run_id} goes on" in second.err
    assert content(tmp_path / "X") == before


def test_a_checkpoint_that_lies_there_is_not_the_trainings_best(cli: Cli, tmp_path: Path) -> None:
    stale = tmp_path / "X" / "checkpoints" / "best.ckpt"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"another model")
    folder = f"hydra.run.dir={tmp_path / 'X'}"
    result = cli(*TINY, folder, "trainer.check_val_every_n_epoch=2")
    assert result.code == 1
    assert "val/f1 was never measured" in result.err
    assert result.runs()[0].info.status == "FAILED"


def test_jobs_of_any_depth_are_accounted_for_and_their_folder_is_the_sweeps_own(
    cli: Cli, tmp_path: Path
) -> None:
    folder = f"hydra.sweep.dir={tmp_path / 'S'}"
    result = cli("-m", *TINY, folder, "hydra.sweep.subdir=s${seed}/x", "seed=1,2", *DIVERGING)
    assert result.code == 1
    parent, children = sweep_of(result)
    assert parent.info.status == "FAILED"
    assert {c.info.run_name: c.info.status for c in children} == {
        "seed=1": "FAILED",
        "seed=2": "FAILED",
    }
    assert parent.data.metrics["sweep/failed"] == 2
    before = content(tmp_path / "S")
    for other in ("tracking=local", "tracking=none"):
        refused = cli("-m", *TINY, folder, other, "head=linear,mlp")
        assert refused.code == 1
        assert f"sweep.resume={parent.info.run_id} goes on" in refused.err
    assert cli(*TINY, f"hydra.run.dir={tmp_path / 'S'}").code == 1
    assert content(tmp_path / "S") == before
    assert len(result.runs()) == 3


def test_a_job_that_never_started_fails_the_sweep(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster that loses one; the jobs that share a folder are told apart too."""
    Plugins.instance()  # loads the launchers anew
    launcher = sys.modules["hydra._internal.core_plugins.basic_launcher"].BasicLauncher
    launch = launcher.launch
    monkeypatch.setattr(
        launcher, "launch", lambda self, jobs, initial_job_idx: launch(self, jobs[:2], 0)
    )
    result = cli("-m", *TINY, "hydra.sweep.subdir=same", "seed=1,2,3")
    assert result.code == 1
    assert "failed: seed=3: the job never started" in result.err
    assert "failed: seed=2: hydra.sweep.subdir" in result.err
    parent, children = sweep_of(result)
    assert parent.info.status == "FAILED"
    assert parent.data.metrics["sweep/finished"] == 1
    assert parent.data.metrics["sweep/failed"] == 2
    assert [c.info.run_name for c in children] == ["seed=1"]


def test_a_sweeps_folder_does_not_depend_on_what_is_swept(cli: Cli, tmp_path: Path) -> None:
    result = cli("-m", *TINY, f"hydra.sweep.dir={tmp_path}/S/${{seed}}", "seed=1,2")
    assert result.code == 1
    assert "It must be the same for all jobs" in result.err
    parent, children = sweep_of(result)
    assert parent.info.status == "FAILED"
    assert parent.data.metrics["sweep/failed"] == 2
    assert children == []


def test_relative_paths_are_relative_to_where_the_command_was_typed(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from idc.models.backbones import simple_cnn

    here = tmp_path / "q?u=1#x%20y"
    here.mkdir()
    torch.save(simple_cnn(50).state_dict(), here / "mine.pth")
    monkeypatch.chdir(here)
    given = ("hydra.job.chdir=true", "paths.root=kept", "backbone.weights=mine.pth")
    result = cli("-m", *TINY, *given, "seed=7", "intervals.draws=0")
    assert result.code == 0, result.err
    assert {p.name for p in here.iterdir()} == {"mine.pth", "kept"}
    assert {"mlflow.db", "artifacts"} <= {p.name for p in (here / "kept" / "mlruns").iterdir()}
    assert not list((here / "kept" / "runs").rglob("mlflow.db"))
    client = MlflowClient(sqlite_uri(here / "kept" / "mlruns"))
    (experiment,) = client.search_experiments(filter_string="name = 'idc'")
    child, parent = client.search_runs([experiment.experiment_id])
    # Nothing is swept, so nothing that varies names the one job.
    assert child.info.run_name == "simple_cnn synthetic seed=7"
    assert child.info.status == parent.info.status == "FINISHED"
