"""What pages read of a run and of a sweep."""

from pathlib import Path

import pandas as pd
from run_cases import config, make_run, make_sweep


def test_missing_and_undefined_metrics_are_none(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    assert report.value("test/recall") == 0.96
    assert report.value("test/average_precision") is None  # NaN
    assert report.value("test/mcc") is None
    assert report.interval("test/recall") == (0.851, 0.98)
    assert report.interval("test/f1") is None


def test_settings_are_read_by_dotted_names(tmp_path: Path) -> None:
    report = make_run(tmp_path, config=config(split={"folds": None, "seed": 3}))
    assert report.setting("choices.backbone") == "resnet50"
    assert report.setting("split.seed") == 3
    assert report.setting("split.folds") is None
    assert report.setting("seed.of.nothing") is None
    assert report.setting("split.seed.more") is None


def test_only_the_test_split_is_counted(tmp_path: Path) -> None:
    report = make_run(tmp_path, patients=4)
    frame = report.predictions.assign(split="val")
    frame.loc[frame["patient"] == frame["patient"].iloc[0], "split"] = "test"
    some = make_run(tmp_path, patients=4, predictions=frame)
    assert (len(some.test), some.test_patients) == (12, 1)
    assert (report.positive, report.negative) == ("IDC", "no IDC")
    assert report.two_classes and not make_run(tmp_path, classes=3).two_classes


def test_the_metrics_of_a_sweep_are_those_of_its_leaderboard(tmp_path: Path) -> None:
    report = make_sweep(tmp_path)
    assert report.metrics == ["test/f1", "test/auroc"]
    assert not report.has_folds
    folds = make_sweep(tmp_path, fold_table=pd.DataFrame({"fold": ["0"]}))
    assert folds.has_folds
    assert folds.value_label != report.value_label
