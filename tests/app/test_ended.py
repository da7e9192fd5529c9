"""Runs whose process was ended: what is left of them, and how they go on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import torch
import yaml

from conftest import TINY, Cli
from idc.models.classifier import PatchClassifier
from idc.pipelines.dataset import Preparation

TIMEOUT = 180.0  # seconds; nothing here takes that long
DDP = [o for o in TINY if not o.startswith(("trainer.devices", "trainer.accelerator"))]


@contextmanager
def started(root: Path, app: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"idc.{app}", *arguments],
        env={**os.environ, "IDC_ROOT": str(root)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert process.poll() is None, process.returncode
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.usefixtures("database")
def test_a_living_run_is_left_alone_and_a_killed_one_starts_anew(
    cli: Cli, app: Callable[[str], Cli], tmp_path: Path
) -> None:
    """Killed before its first checkpoint, and marked by `idc.gc` first."""
    # Checkpoints are written when validation ends, which it never does.
    endless = ("trainer.max_epochs=1000000", "trainer.check_val_every_n_epoch=1000000")
    with started(tmp_path, "train", *TINY, *endless) as process:
        wait_for(lambda: list(tmp_path.glob("runs/*/*/split.csv")), process)
        result = app("gc")("apply=true")
        assert result.code == 0, result.err
        (run,) = result.runs()
        assert run.info.status == "RUNNING"
        refused = cli(f"resume={run.info.run_id}")
        assert refused.code == 1
        assert f"still running (process {process.pid} on" in refused.err
        assert len(refused.err.splitlines()) == 1
    assert not list(tmp_path.rglob("*.ckpt"))
    # Else the next command would close it, as it knows that the process has ended.
    shutil.rmtree(tmp_path / "mlruns" / "journal")
    dry = app("gc")()
    assert run.info.run_id in dry.out
    assert dry.runs()[0].info.status == "RUNNING"
    closed = app("gc")("apply=true")
    assert closed.runs()[0].info.status == "KILLED"
    now = ("trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1")
    again = cli(f"resume={run.info.run_id}", *now)
    assert again.code == 0, again.err
    (run,) = again.runs()
    assert run.info.status == "FINISHED"
    assert "test/f1" in run.data.metrics


def test_a_preparation_that_is_told_to_stop_is_killed(
    prepare: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring = Preparation.bring

    def stopped(self: Preparation, check: Callable[[object], None], **options: bool) -> object:
        def and_stop(scan: object) -> None:
            check(scan)  # opens the run
            os.kill(os.getpid(), signal.SIGTERM)

        return bring(self, and_stop, **options)

    monkeypatch.setattr(Preparation, "bring", stopped)
    result = prepare("data.patients=5", "data.patches_per_patient=24", "report=false")
    assert result.code == 143, result.err
    (run,) = result.runs()
    assert run.info.status == "KILLED"


@pytest.mark.slow
@pytest.mark.usefixtures("database")
def test_ranks_end_with_their_launcher_and_go_on_in_ranks(
    cli: Cli, app: Callable[[str], Cli], tmp_path: Path
) -> None:
    """Two gloo ranks, resumed by the run's id alone, with stages that are freed on the way."""
    options = ("trainer=ddp_cpu", "trainer.max_epochs=10000", "loader.batch_size=8", "head=mlp")
    freed = ("backbone=vanilla_cnn", "backbone.freeze=all", "backbone.unfreeze_every=1")
    with started(tmp_path, "train", *DDP, *options, *freed) as launcher:
        wait_for(lambda: list(tmp_path.rglob("last.ckpt")), launcher)
        ranks = psutil.Process(launcher.pid).children(recursive=True)
        assert len(ranks) >= 2
        launcher.kill()
    _, living = psutil.wait_procs(ranks, timeout=TIMEOUT)
    assert not living
    # The first rank has closed its run, or, if it had not the time, the next command does.
    (run,) = app("gc")().runs()
    assert run.info.status == "KILLED"

    (checkpoint,) = tmp_path.glob("runs/*/*/checkpoints/last.ckpt")
    epochs = torch.load(checkpoint, weights_only=True)["epoch"] + 3  # two more
    resumed = cli(f"resume={run.info.run_id}", f"trainer.max_epochs={epochs}")
    assert resumed.code == 0, resumed.err
    (run,) = resumed.runs()
    assert run.info.status == "FINISHED"
    # What was left out at first is still left out.
    kept = yaml.safe_load((resumed.folders[-1] / "config.yaml").read_text())["tracking"]
    assert (kept["log_model"], kept["system_metrics"]) == (False, False)
    assert not run.outputs.model_outputs
    steps = {m.step for m in resumed.client.get_metric_history(run.info.run_id, "val/f1")}
    assert len(steps) == epochs
    assert len(resumed.folders) == 2


def test_a_sweep_goes_on_with_the_job_that_was_cut(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = ("-m", *TINY, "seed=1,2", "trainer.max_epochs=2")
    step = PatchClassifier.training_step

    def stopped(self: PatchClassifier, batch: object, batch_idx: int) -> torch.Tensor:
        if self.run_seed == 2 and self.current_epoch == 1:
            raise KeyboardInterrupt
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(PatchClassifier, "training_step", stopped)
        first = cli(*sweep)
    assert first.code == 130
    (parent,) = first.runs("tags.`idc.kind` = 'sweep'")
    jobs = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    before = {run.info.run_id: run.info.status for run in first.runs(jobs)}
    assert sorted(before.values()) == ["FINISHED", "KILLED"]
    again = cli(*sweep, f"sweep.resume={parent.info.run_id}")
    assert again.code == 0, again.err
    after = {run.info.run_id: run.info.status for run in again.runs(jobs)}
    assert after == dict.fromkeys(before, "FINISHED")
    (cut,) = (run_id for run_id, status in before.items() if status == "KILLED")
    assert len(again.client.get_metric_history(cut, "val/f1")) == 2
    assert again.client.get_run(parent.info.run_id).info.status == "FINISHED"


def test_a_warned_job_of_slurm_is_requeued_and_goes_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    command = tmp_path / "bin" / "scontrol"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    step = PatchClassifier.training_step

    def warned(self: PatchClassifier, batch: object, batch_idx: int) -> torch.Tensor:
        if self.current_epoch == 1 and batch_idx == 1:
            os.kill(os.getpid(), signal.SIGUSR1)
        assert (self.current_epoch, batch_idx) != (1, 2)
        return step(self, batch, batch_idx)

    job = (*TINY, "trainer.max_epochs=2")
    with monkeypatch.context() as patch:
        patch.setattr(PatchClassifier, "training_step", warned)
        first = cli(*job)
    assert first.code == 128 + signal.SIGUSR1, first.err
    assert calls.read_text() == "requeue 7\n"
    (run,) = first.runs()
    assert run.info.status == "KILLED"
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    again = cli(*job)
    assert again.code == 0, again.err
    (run,) = again.runs()
    assert run.info.status == "FINISHED"
    assert len(again.client.get_metric_history(run.info.run_id, "val/f1")) == 2
