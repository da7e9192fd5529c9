"""A training whose server is away: whole, exit code 0, and in the end as if nothing had been."""

import shutil
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from gate import ADDRESS, Gate, gate_before

from conftest import TINY, Cli
from idc.runtime.outcome import load_outcome
from idc.tracking.journal import PROVISIONAL

SERVER = ("tracking=server", f"tracking.uri={ADDRESS}")


@pytest.fixture
def gate(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    shutil.copyfile(empty_database, tmp_path / "server.db")
    return gate_before(tmp_path / "server.db", monkeypatch)


def test_train_deliver_and_go_on(app: Callable[[str], Cli], gate: Gate, tmp_path: Path) -> None:
    train, sync = app("train"), app("sync")
    gate.is_open = False
    refused = train(*TINY, *SERVER, "tracking.require=true")
    assert refused.code == 1
    assert refused.folders == []
    result = train(*TINY, *SERVER)
    assert result.code == 0, result.err
    outcome = load_outcome(result.folders[0])
    assert outcome is not None
    assert outcome.status == "FINISHED"
    assert outcome.run_id is not None
    assert outcome.run_id.startswith(PROVISIONAL)
    assert "idc.sync" in result.err
    assert sync(f"tracking.uri={ADDRESS}").code == 1  # it is still away

    gate.is_open = True
    assert sync(f"tracking.uri={ADDRESS}").code == 0
    client = mlflow.MlflowClient(ADDRESS)
    experiment = client.get_experiment_by_name("idc").experiment_id
    (run,) = client.search_runs([experiment])
    assert run.info.status == "FINISHED"
    measured = {k: v for k, v in run.data.metrics.items() if k.startswith("test/")}
    assert measured.items() >= {k: outcome.metrics[k] for k in ("test/f1", "test/auroc")}.items()
    assert {a.path for a in client.list_artifacts(run.info.run_id)} >= {
        *("checkpoints", "config.yaml", "evaluation", "split.parquet", "training"),
    }

    gone_on = train(f"resume={outcome.run_id}", "trainer.max_epochs=2", *SERVER)
    assert gone_on.code == 0, gone_on.err
    (again,) = client.search_runs([experiment])
    assert again.info.run_id == run.info.run_id
    losses = client.get_metric_history(run.info.run_id, "val/loss")
    assert len(losses) == 2
