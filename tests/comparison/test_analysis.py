"""Which runs are compared with which, and what is said of the rest."""

from pathlib import Path

import numpy as np
import pytest
from finished_runs import finished_run

from idc.comparison.analysis import analyse
from idc.comparison.runs import FinishedRun
from idc.errors import DataError

CONFIG = {"intervals": {"draws": 60, "level": 0.95}, "report": False}


def test_a_missing_fold_leaves_out_its_setting_only(tmp_path: Path) -> None:
    runs = [
        finished_run(tmp_path, backbone=name, split_fold=str(fold), skill=skill)
        for name, skill in (("a", 1.0), ("b", 2.0), ("c", 0.2))
        for fold in range(3)
        if (name, fold) != ("a", 1)
    ]
    result = analyse(runs, CONFIG, tmp_path / "out", strict=False)
    assert result.comparison is not None
    assert set(result.comparison.estimates["name"]) == {"backbone=b", "backbone=c", "class prior"}
    assert any("Excluded from the tests" in n and "backbone=a" in n for n in result.notes)
    board = result.board.set_index("setting")
    assert board.loc["class prior", "kind"] == "baseline"
    lone = result.pooled.set_index(["setting", "metric"]).loc[("backbone=a", "f1")]
    ends = board.loc["backbone=a", ["test/f1_mean", "test/f1_low", "test/f1_high"]]
    assert ends.tolist() == lone[["value", "low", "high"]].tolist()
    assert np.isfinite(board.loc["backbone=b", "test/f1_low"])
    assert {"split.fold"} == {k for r in runs for k in r.settings} - {"backbone"}


def test_repeats_on_other_patches_are_not_tested(tmp_path: Path) -> None:
    # A fold stands for another split: other patients are tested.
    runs = []
    for seed in ("1", "2"):
        run = finished_run(tmp_path, backbone="a", split_fold=seed)
        settings = {"backbone": "a", "split.seed": seed}
        run.outcome.settings.clear()
        run.outcome.settings.update(settings)
        runs.append(FinishedRun(run.outcome, run.folder))
    result = analyse(runs, CONFIG, tmp_path / "out", strict=False)
    assert result.comparison is None
    assert any("between repeats: backbone=a" in note for note in result.notes)


def test_runs_on_other_patches_are_refused_where_they_were_named(tmp_path: Path) -> None:
    runs = [finished_run(tmp_path, backbone=name, data=str(n)) for n, name in enumerate("ab")]
    other = finished_run(tmp_path, backbone="c", split_fold="1")
    analyse(runs, CONFIG, tmp_path / "out", strict=True)
    with pytest.raises(DataError, match="different patches"):
        analyse([*runs, other], CONFIG, tmp_path / "out", strict=True)


def test_the_metrics_to_log_are_those_of_the_tables(tmp_path: Path) -> None:
    runs = [finished_run(tmp_path, backbone=b, skill=s) for b, s in (("a", 0.3), ("b", 3.0))]
    result = analyse(runs, CONFIG, tmp_path / "out", strict=True)
    best = result.board.iloc[0]
    assert best["setting"] == "backbone=b"
    assert result.metrics["best/f1"] == best["test/f1_mean"]
    assert result.metrics["leaderboard/backbone_b/f1_ci_low"] == best["test/f1_low"]
    assert result.metrics["pooled/backbone_b/f1"] == pytest.approx(best["test/f1_mean"])
    assert set(result.per_patient) == {"backbone=a", "backbone=b"}
    assert result.folds.empty and result.notes == []


def test_no_runs_are_an_empty_analysis(tmp_path: Path) -> None:
    result = analyse([], CONFIG, tmp_path / "out", strict=False)
    assert result.comparison is None
    assert result.board.empty and result.metrics == {}
