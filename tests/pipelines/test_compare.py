"""Cross-validation in a sweep, and `python -m idc.compare`."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from conftest import TINY, Cli, Result

pytestmark = pytest.mark.slow
App = Callable[[str], Cli]
FOLDS = ("split.folds=2", "split.fold=0,1")


def folder(result: Result, run_id: str, name: str) -> Path:
    return Path(result.client.download_artifacts(run_id, name))


def sweep_of(result: Result) -> "object":
    return result.runs("tags.`idc.kind` = 'sweep'")[0]


def test_cross_validation_is_pooled_compared_and_told(app: App) -> None:
    train, compare = app("train"), app("compare")
    result = train("-m", *TINY, *FOLDS, "head=linear,mlp", drawn=True)
    assert result.code == 0, result.err
    sweep = sweep_of(result)
    pooled = folder(result, sweep.info.run_id, "evaluation")
    predictions = pd.read_parquet(pooled / "predictions.parquet")
    assert predictions.groupby("setting")["path"].nunique().eq(5 * 24).all()  # all patches
    assert not predictions.duplicated(["setting", "path"]).any()  # each once
    assert predictions.groupby("patient")["fold"].nunique().max() == 1
    table = pd.read_csv(pooled / "pooled.csv").set_index(["setting", "metric"])["value"]
    for setting, part in predictions.groupby("setting"):
        assert table[setting, "f1"] == pytest.approx(f1_score(part["label"], part["predicted"]))
        area = roc_auc_score(part["label"], part["score"])
        assert table[setting, "auroc"] == pytest.approx(area, abs=1e-5)
        name = str(setting).replace("=", "_")
        assert result.metrics(sweep)[f"pooled/{name}/auroc"] == pytest.approx(area, abs=1e-5)
    page = (pooled / "report.html").read_text()
    assert "head=mlp" in page
    found = {p.name for p in folder(result, sweep.info.run_id, "comparison").iterdir()}
    assert {"leaderboard.csv", "differences.csv", "fold_metrics.png"} <= found
    assert {"critical_difference_auroc.png", "differences_f1.png"} <= found
    assert sum(name.startswith("fold_learning_curves_") for name in found) == 2
    board = pd.read_csv(folder(result, sweep.info.run_id, "comparison") / "leaderboard.csv")
    baselines = board[board["kind"] == "baseline"]["setting"].tolist()
    assert baselines == ["majority class", "class prior", "colour statistics"]
    pooled_table = pd.read_csv(pooled / "pooled.csv").set_index(["setting", "metric"])
    for row in board[board["kind"] == "run"].to_dict("records"):  # one number, one interval
        ends = pooled_table.loc[(row["setting"], "f1"), ["low", "high"]]
        assert ends.tolist() == pytest.approx([row["test/f1_low"], row["test/f1_high"]], rel=1e-4)

    result = compare(f"sweep={sweep.info.run_id}", "intervals.draws=50")
    assert result.code == 0, result.err
    (run,) = result.runs("tags.`idc.kind` = 'compare'")
    board = pd.read_csv(folder(result, run.info.run_id, "comparison") / "leaderboard.csv")
    for row in board.to_dict("records"):
        name = re.sub(r"[^\w.-]", "_", str(row["setting"]))
        for end, logged in (("mean", ""), ("low", "_ci_low"), ("high", "_ci_high")):
            of_run = result.metrics(run)[f"leaderboard/{name}/auroc{logged}"]
            assert of_run == pytest.approx(row[f"test/auroc_{end}"], abs=1e-5)
    assert run.data.metrics["best/f1"] == pytest.approx(board["test/f1_mean"][0], abs=1e-5)
    assert run.data.params["sweep"] == sweep.info.run_id
    assert len(run.data.params["compared.runs"].split(",")) == 4
    assert run.data.params["intervals.draws"] == "50"
    differences = pd.read_csv(folder(result, run.info.run_id, "comparison") / "differences.csv")
    assert (differences["apart"] == (differences["p_holm"] < 0.05)).all()
    assert set(differences["patients"]) == {5}
    of_areas = differences[differences["metric"] == "auroc"]
    assert of_areas[["p", "p_holm", "p_delong", "p_delong_holm"]].notna().all().all()
    assert len(of_areas) == 7  # one pair of settings, and each setting against three baselines
    assert (of_areas["p_holm"] >= of_areas["p"]).all()
    assert "evaluation/report.html" in result.out


def test_runs_on_different_patches_are_refused_and_leaks_are_told(app: App) -> None:
    train, compare = app("train"), app("compare")
    for split in ("split.test_patients=[9001]", "split.test_patients=[9002]", "split=random"):
        done = train(*TINY, split)
        assert done.code == 0, done.err
    assert "LEAKY" in done.out
    leaky, *others = done.runs()
    assert leaky.data.tags["leaky"] == "true"
    assert done.metrics(leaky)["leaks/patients"] == 5
    ids = [run.info.run_id for run in others]
    refused = compare(f"runs=[{','.join(ids)}]")
    assert refused.code == 1
    assert "tested on different patches" in refused.err
    assert "idc.evaluate" in refused.err
    assert "tested on different patches" in compare("experiment_name=idc").err
    assert "runs=[ID,ID]" in compare().err
    assert not refused.runs("tags.`idc.kind` = 'compare'")  # a refusal leaves nothing behind
    alone = compare(f"runs=[{leaky.info.run_id}]", "intervals.draws=20", "report=false")
    assert alone.code == 0, alone.err
    assert "(leaky)" in alone.out
    assert "LEAKY" in alone.out


def test_learning_size_and_repeats(app: App) -> None:
    train = app("train")
    sizes = ("split.train_patients=2,3", "split.test_patients=[9001]", "split.val_patients=[9002]")
    result = train("-m", *TINY, *sizes, "seed=1,2")
    assert result.code == 0, result.err
    sweep = sweep_of(result)
    names = {p.name for p in folder(result, sweep.info.run_id, "comparison").iterdir()}
    assert "learning_size.png" in names
    children = result.runs(f"tags.`mlflow.parentRunId` = '{sweep.info.run_id}'")
    counts = {
        (c.data.params["split.train_patients"], c.data.params["split.train.patients"])
        for c in children
    }
    assert counts == {("2", "2"), ("3", "3")}
    pooled = folder(result, sweep.info.run_id, "evaluation") / "pooled.csv"
    assert set(pd.read_csv(pooled)["repeat"]) == {"seed=1", "seed=2"}
