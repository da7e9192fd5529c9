"""Out-of-fold predictions, their tables, and the names of what is logged."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finished_runs import predictions
from sklearn.metrics import f1_score, roc_auc_score

from idc.comparison.contestant import Contestant
from idc.comparison.pooling import board_metrics, pool_numbers, pooled_metrics, slug


def test_long_names_of_settings_stay_apart() -> None:
    names = ["x=" + 90 * "y" + end for end in ("1", "2")]
    assert len({slug(name) for name in names}) == 2
    assert all(len(slug(name)) <= 80 for name in names)


def test_each_setting_is_measured_on_its_pooled_patches(tmp_path: Path) -> None:
    frames = {name: predictions(skill=skill) for name, skill in (("a", 0.5), ("b", 2.0))}
    kinds = {"a": "run", "b": "baseline"}
    runs = [Contestant(n, {"seed=1": f}, 2, kinds[n]) for n, f in frames.items()]
    config = {"intervals": {"draws": 60, "level": 0.95}, "report": False}
    table, per_patient = pool_numbers(runs, config, tmp_path, ("no IDC", "IDC"))
    assert set(table["setting"]) == set(per_patient) == {"a"}  # baselines are not pooled
    values = table.set_index("metric")
    a = frames["a"]
    assert values.loc["f1", "value"] == pytest.approx(f1_score(a["label"], a["predicted"]))
    assert values.loc["auroc", "value"] == pytest.approx(roc_auc_score(a["label"], a["score"]))
    assert values.loc["f1", "low"] < values.loc["f1", "value"] < values.loc["f1", "high"]
    kept = pd.read_parquet(tmp_path / "predictions.parquet")
    assert kept["path"].tolist() == a["path"].tolist()
    assert set(zip(kept["setting"], kept["repeat"], strict=True)) == {("a", "seed=1")}
    assert (tmp_path / "a" / "per_patient.csv").is_file()
    assert len(pd.read_csv(tmp_path / "pooled.csv")) == len(table)


def test_logged_values_are_those_of_the_leaderboard_and_means_over_repeats() -> None:
    board = pd.DataFrame(
        [("x=1", 2, 0.8, 0.1, 0.7, 0.9, [0.8])],
        columns=[
            "setting",
            "runs",
            *(f"test/f1_{end}" for end in ("mean", "std", "low", "high", "values")),
        ],
    )
    assert board_metrics(board) == {
        "leaderboard/x_1/f1": 0.8,
        "leaderboard/x_1/f1_ci_low": 0.7,
        "leaderboard/x_1/f1_ci_high": 0.9,
    }
    assert board_metrics(pd.DataFrame()) == {}
    repeats = pd.DataFrame({"setting": "x=1", "metric": "f1", "value": [0.6, 0.9]})
    assert pooled_metrics(repeats) == {"pooled/x_1/f1": pytest.approx(np.mean([0.6, 0.9]))}
