"""The classes of a run, each on its own."""

from pathlib import Path

import pandas as pd
from run_cases import make_run

from idc.reports.run_classes import class_rows, class_table
from idc.reports.run_facts import run_sentences


def test_each_class_has_its_rates_and_its_rival(tmp_path: Path) -> None:
    """Of three classes with 48 patches each, the third of each patient is taken for the next."""
    table = class_table(make_run(tmp_path, classes=3))
    assert table["class"].tolist() == ["a", "b", "c"]
    assert table["patches"].tolist() == [48] * 3
    for name in ("recall", "precision"):
        assert all(cell.startswith("0.750 (") for cell in table[name])
    assert table["most often confused with"].tolist() == ["b", "c", "a"]
    assert class_table(make_run(tmp_path)).empty


def test_the_rarest_class_comes_first_and_the_least_recognised_is_marked(tmp_path: Path) -> None:
    whole = make_run(tmp_path, classes=3).per_label
    table = whole.assign(train_positives=[300, 20, 100], recall=[0.9, 0.5, 0.0])
    rows = class_rows(make_run(tmp_path, classes=3, per_label=table))
    assert [row["label"] for row in rows] == ["b", "c", "a"]
    assert [row["rarest"] for row in rows] == [True, False, False]
    assert [row["lowest"] for row in rows] == [False, True, False]
    assert rows[0]["instead"] == ("c", 0.25)
    report = make_run(tmp_path, classes=3, per_label=table)
    assert "b" in run_sentences(report).text("lead")
    warnings = run_sentences(report).list("warnings")
    assert sum("No patch of c" in warning for warning in warnings) == 1


def test_classes_without_a_test_patch_are_left_out(tmp_path: Path) -> None:
    whole = make_run(tmp_path, classes=3).per_label
    table = whole.assign(positives=[48, 0, 48])
    rows = class_rows(make_run(tmp_path, classes=3, per_label=table))
    assert [row["label"] for row in rows] == ["a", "c"]
    assert class_rows(make_run(tmp_path, per_label=pd.DataFrame())) == []
