"""`python -m idc.evaluate`: a run, or a sweep's ensemble, on its own and on other data."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import TINY, Cli, Result

pytestmark = pytest.mark.slow
App = Callable[[str], Cli]
FEW = ("intervals.draws=20", "explain=none", "device=cpu", "report=false")
OTHER = ("data=synthetic", "data.patients=8", "data.patches_per_patient=16", "data.seed=5")


def evaluation(result: Result) -> tuple[object, pd.DataFrame]:
    """The newest evaluation and its predictions."""
    run = result.runs("tags.`idc.kind` = 'evaluate'")[0]
    path = result.client.download_artifacts(run.info.run_id, "evaluation/predictions.parquet")
    return run, pd.read_parquet(path)


def train_one(cli: Cli, *more: str) -> str:
    result = cli(*TINY, *more)
    assert result.code == 0, result.err
    return str(result.runs()[0].info.run_id)


def test_own_data_other_data_and_test_time_augmentation(app: App) -> None:
    train, ask = app("train"), app("evaluate")
    run_id = train_one(train, "head=mlp")

    result = ask(f"run={run_id}", *FEW, "report=true")
    assert result.code == 0, result.err
    run, predictions = evaluation(result)
    name = result.client.get_run(run_id).info.run_name
    assert run.info.run_name == f"own test split: {name}"
    assert run.data.tags["mlflow.parentRunId"] == run_id
    assert run.info.status == "FINISHED"
    before = result.client.download_artifacts(run_id, "evaluation/predictions.parquet")
    known = pd.read_parquet(before)
    for column in ("path", "label", "predicted", "split"):
        assert (predictions[column] == known[column]).all()
    np.testing.assert_allclose(predictions["score"], known["score"], atol=1e-6)
    trained_run = result.client.get_run(run_id)
    assert run.data.metrics["test/f1"] == pytest.approx(trained_run.data.metrics["test/f1"])
    assert "evaluation/report.html" in artifacts(result, run.info.run_id)
    assert "model_card.md" in artifacts(result, run.info.run_id)

    result = ask(f"run={run_id}", *FEW, *OTHER, "known_patients=drop")
    assert result.code == 0, result.err
    run, predictions = evaluation(result)
    splits = pd.read_parquet(result.client.download_artifacts(run_id, "split.parquet"))
    learnt = set(splits["patient"][splits["split"] != "test"])
    assert not learnt & set(predictions["patient"])
    assert set(predictions["split"]) == {"test"}
    # Calibration and threshold are those that the run chose on its own validation.
    threshold = trained_run.data.metrics["val/threshold"]
    assert run.data.metrics["val/threshold"] == threshold
    assert (predictions["predicted"] == (predictions["score"] >= threshold)).all()
    assert any("left out" in note for note in notes(result, run.info.run_id))

    result = ask(f"run={run_id}", *FEW, "inference=tta")
    assert result.code == 0, result.err
    run, predictions = evaluation(result)
    assert run.info.run_name == f"own test split, TTA: {name}"
    assert {"entropy", "mutual_information"} <= set(predictions)


def artifacts(result: Result, run_id: str) -> set[str]:
    folder = Path(result.client.download_artifacts(run_id, ""))
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def notes(result: Result, run_id: str) -> list[str]:
    path = result.client.download_artifacts(run_id, "evaluation/metrics.json")
    return list(json.loads(Path(path).read_text())["notes"])


def test_ensembles_of_seeds_and_of_folds(app: App, swept: Result) -> None:
    train, ask = app("train"), app("evaluate")
    (sweep,) = swept.runs("tags.`idc.kind` = 'sweep'")
    result = ask(f"run={sweep.info.run_id}", *FEW)
    assert result.code == 0, result.err
    _, predictions = evaluation(result)
    members = result.runs(f"tags.`mlflow.parentRunId` = '{sweep.info.run_id}'")
    raw = []
    for member in members:
        if "idc.kind" in member.data.tags:
            continue
        path = "evaluation/predictions.parquet"
        frame = pd.read_parquet(result.client.download_artifacts(member.info.run_id, path))
        raw.append(frame.set_index("path")["score_raw"])
    assert len(raw) == 2
    mean = sum(raw) / 2
    np.testing.assert_allclose(
        predictions.set_index("path")["score_raw"], mean[predictions["path"]], atol=1e-6
    )
    # What was made of a sweep later is none of its jobs.
    again = train("-m", *TINY, "seed=1,2", f"sweep.resume={sweep.info.run_id}")
    assert again.code == 0, again.err


def test_what_cannot_be_asked_is_refused(app: App, trained: Result) -> None:
    ask, (run,) = app("evaluate"), trained.runs()
    run_id = run.info.run_id
    assert "there is no run abc" in ask("run=abc", *FEW).err
    assert "run: this must be given" in ask(*FEW).err
    assert "data.root: this must be given" in ask(f"run={run_id}", "data=idc", *FEW).err
    assert "known_patients=no" in ask(f"run={run_id}", "known_patients=no", *FEW).err
    other = ask(f"run={run_id}", *FEW, "data=synthetic", "data.patients=5")
    assert "were used to train or tune the run" in other.err
    assert len(other.runs()) == 1  # what fails before anything is scored leaves no run
    assert "drops nothing" in ask(f"run={run_id}", *FEW, "inference=mc_dropout").err
