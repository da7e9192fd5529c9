"""Finished runs as contestants: repeats, folds, and the baselines beside them."""

from pathlib import Path

import pytest
from finished_runs import finished_run

from idc.comparison.runs import HISTORY, PREDICTIONS, baselines, contestants
from idc.errors import CheckpointError


def test_a_repeat_without_all_folds_is_left_out_and_named(tmp_path: Path) -> None:
    runs = [
        finished_run(tmp_path, backbone="a", seed=seed, split_fold=str(fold))
        for seed in ("1", "2")
        for fold in range(3)
        if (seed, fold) != ("2", 0)
    ]
    (one,), notes = contestants(runs)
    assert list(one.repeats) == ["seed=1"]
    assert len(one.patches) == 120
    assert len(notes) == 1 and "backbone=a" in notes[0] and "seed=2" in notes[0]


def test_baselines_are_those_of_the_largest_split_that_does_not_leak(tmp_path: Path) -> None:
    runs = [
        finished_run(tmp_path, train=10, split_train_fraction="0.1"),
        finished_run(tmp_path, train=90, split_train_fraction="1.0"),
        finished_run(tmp_path, train=95, leaky=True, split="random"),
    ]
    settings = [run.setting for run in runs]
    simple, trained_with = baselines(runs, settings)
    assert trained_with == "split.train_fraction=1.0"
    assert [one.name for one in simple] == ["class prior"]
    assert baselines(runs, [])[0] == []


def test_a_run_is_a_setting_with_a_repeat_and_a_fold(tmp_path: Path) -> None:
    run = finished_run(tmp_path, train=7, backbone="a", seed="3", split_fold="1")
    assert (run.setting, run.repeat, run.fold) == ("backbone=a", "seed=3", "1")
    assert run.training_patches() == 7
    assert run.splits() == {"1": "train"}
    assert len(run.read(PREDICTIONS)) == 40
    assert run.read(HISTORY) is None


def test_a_damaged_table_is_refused_by_name(tmp_path: Path) -> None:
    run = finished_run(tmp_path, backbone="a")
    (run.folder / PREDICTIONS).write_bytes(b"PAR1")
    with pytest.raises(CheckpointError, match=r"predictions\.parquet"):
        run.read(PREDICTIONS)
