"""Sweeps through the real command line: alone, with failures, resumed, with ranks, in parallel."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from conftest import TINY, Cli, Result
from idc.runtime.outcome import Outcome, load_outcome

pytestmark = pytest.mark.slow
PARENT = "tags.`idc.kind` = 'sweep'"


def parent_of(result: Result) -> "tuple[object, list[object]]":
    (parent,) = result.runs(PARENT)
    children = result.runs(f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    return parent, children


def test_sweep_nests_names_and_compares_its_runs(cli: Cli) -> None:
    result = cli("-m", *TINY, "backbone=simple_cnn,vanilla_cnn", "seed=1,2")
    assert result.code == 0, result.err
    parent, children = parent_of(result)
    assert len(result.runs()) == 5  # no stray run
    assert parent.info.status == "FINISHED"
    assert {c.info.run_name for c in children} == {
        f"backbone={b},seed={s}" for b in ("simple_cnn", "vanilla_cnn") for s in (1, 2)
    }
    assert all(c.info.status == "FINISHED" for c in children)
    by_name = {c.info.run_name: c.data.params for c in children}
    assert by_name["backbone=vanilla_cnn,seed=2"]["seed"] == "2"
    assert by_name["backbone=vanilla_cnn,seed=2"]["backbone"] == "vanilla_cnn"
    folder = Path(result.client.download_artifacts(parent.info.run_id, "comparison"))
    names = {p.name for p in folder.iterdir()}
    figures = {"leaderboard.png", "roc.png", "precision_recall.png", "confusion_matrices.png"}
    tested = {"estimates.csv", "differences.csv", "differences_f1.png"}
    assert {"leaderboard.csv", *figures, *tested, "critical_difference_f1.png"} <= names
    board = pd.read_csv(folder / "leaderboard.csv")
    baselines = board["kind"] == "baseline"
    assert set(board["setting"][~baselines]) == {"backbone=simple_cnn", "backbone=vanilla_cnn"}
    assert (board["runs"][~baselines] == 2).all()
    assert baselines.sum() == 3
    f1 = [c.data.metrics["test/f1"] for c in children if "vanilla" in c.info.run_name]
    row = board[board["setting"] == "backbone=vanilla_cnn"].iloc[0]
    assert row["test/f1_mean"] == pytest.approx(sum(f1) / 2, abs=1e-5)
    note = parent.data.tags["mlflow.note.content"]
    assert all(c.info.run_id in note for c in children)


def test_a_failing_job_stops_no_other_and_is_run_again_on_resume(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # The second job's weights do not exist yet.
    arguments = ("-m", *TINY, "hydra.sweep.dir=S", "backbone.weights=null,late.pth")
    result = cli(*arguments)
    assert result.code == 1
    assert "failed: backbone.weights=late.pth" in result.err
    parent, children = parent_of(result)
    assert parent.info.status == "FAILED"
    assert sorted(c.info.status for c in children) == ["FAILED", "FINISHED"]

    make_weights(result.root / "late.pth")
    other = cli(*arguments, "seed=7", f"sweep.resume={parent.info.run_id}")
    assert other.code == 1
    assert "repeat the same overrides" in other.err
    again = cli(*arguments, f"sweep.resume={parent.info.run_id}")
    assert again.code == 0, again.err
    parent, children = parent_of(again)
    assert parent.info.status == "FINISHED"
    finished = [c for c in children if c.info.status == "FINISHED"]
    assert len(finished) == 2
    assert len(children) == 3  # one failed, one done before, one now
    folder = Path(again.client.download_artifacts(parent.info.run_id, "comparison"))
    board = pd.read_csv(folder / "leaderboard.csv")
    assert board[board["kind"] == "run"]["runs"].tolist() == [1, 1]
    # In the same folder: what the first attempt left is kept, out of the way of the second.
    kept = load_outcome(tmp_path / "S" / "1" / "earlier" / "1")
    assert kept is not None
    assert kept.status == "FAILED"


def test_jobs_of_a_named_sweep_keep_their_own_names(cli: Cli) -> None:
    """The name is the sweep's: under it alone, predictions of all jobs would be one another's."""
    result = cli("-m", *TINY, "name=baseline", "seed=1,2")
    assert result.code == 0, result.err
    parent, children = parent_of(result)
    assert parent.info.run_name == "baseline"
    assert {c.info.run_name for c in children} == {"seed=1", "seed=2"}


def test_a_terminal_that_knows_ascii_only_stops_nothing(shell: Cli) -> None:
    bar = ("trainer.enable_progress_bar=true", "seed=1,2")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "IDC_PROGRESS": "1"}
    result = shell("-m", *TINY, *bar, **ascii_only)
    assert result.code == 0, result.err
    assert "Traceback" not in result.err
    assert " +/- " in result.out
    parent, children = parent_of(result)
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}
    assert "±" in parent.data.tags["mlflow.note.content"]
    result.client.download_artifacts(parent.info.run_id, "comparison/leaderboard.csv")


def test_a_job_that_was_killed_is_not_left_running(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idc.pipelines import run_context

    @contextmanager
    def never_closed(run: object, outcome: Outcome, folder: Path, log_name: str) -> Iterator[None]:
        outcome.save(folder)
        yield

    with monkeypatch.context() as patch:  # as if the process was gone before it could close
        patch.setattr(run_context, "lifecycle", never_closed)
        result = cli("-m", *TINY, "seed=1,2")
    assert result.code == 1
    assert "failed: seed=1: the job's process was ended from outside" in result.err
    parent, children = parent_of(result)
    assert parent.info.status == "FAILED"
    assert [c.info.status for c in children] == ["FAILED", "FAILED"]


def test_a_sweep_that_cannot_be_opened_stops_at_once(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idc.launch import parent

    def fail(*arguments: object) -> None:
        raise RuntimeError("the server says 500")

    monkeypatch.setattr(parent, "origin_tags", fail)
    result = cli("-m", *TINY, "seed=1,2")
    assert result.code == 1
    assert "the sweep cannot be opened: the server says 500" in result.err
    assert not result.folders
    assert result.runs() == []


def make_weights(path: Path) -> None:
    import torch

    from idc.models.backbones import simple_cnn

    torch.save(simple_cnn(50).state_dict(), path)


DDP = [o for o in TINY if not o.startswith(("trainer.devices", "trainer.accelerator"))]


def test_ranks_of_a_job_are_not_ranks_of_the_sweep(cli: Cli) -> None:
    """Two gloo ranks that fail, then one process that does, then two that train, then one."""
    result = cli(
        "-m",
        *DDP,
        "trainer=ddp_cpu",
        "backbone.weights=nonsense,null",
        "trainer.devices=2,1",
        "data.patches_per_patient=40",
        "loader.batch_size=8",
        "head.dropout=0.1",
    )
    assert result.code == 1
    _, children = parent_of(result)
    assert len(result.runs()) == 5
    status = {c.info.run_name: c.info.status for c in children}
    assert len(status) == 4
    for name, found in status.items():
        assert found == ("FAILED" if "nonsense" in name else "FINISHED"), status
    # The test split is scored by one process, each patch once.
    for child in children:
        if child.info.status == "FINISHED":
            folder = Path(result.client.download_artifacts(child.info.run_id, "evaluation"))
            frame = pd.read_parquet(folder / "predictions.parquet")
            assert not frame.duplicated(["patient", "x", "y"]).any()
    # Nothing was swept twice by a rank.
    assert len(list((result.root / "runs").rglob("outcome.json"))) == 4


def test_joblib_runs_jobs_at_once(cli: Cli) -> None:
    arguments = (*TINY, "launcher=joblib", "loader.num_workers=1", "augment=light")
    result = cli("-m", *arguments, "seed=1,2")
    assert result.code == 0, result.err
    _, children = parent_of(result)
    assert len(result.runs()) == 3
    assert [c.info.status for c in children] == ["FINISHED"] * 2
    for child in children:
        assert json.loads(child.data.tags["idc.settings"]).keys() == {"seed"}
        assert "test/f1" in child.data.metrics
