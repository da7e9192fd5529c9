"""The tables of a sweep."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_cases import make_sweep

from idc.reports.sweep_tables import (
    board_table,
    difference_table,
    patient_by_setting,
    pooled_list,
    pooled_table,
)


def test_cells_show_interval_or_spread(tmp_path: Path) -> None:
    table = board_table(make_sweep(tmp_path))
    assert table["setting"].tolist()[-1] == "baseline: colour statistics"
    assert table["runs"].tolist() == [5, 5, 5, pd.NA]
    assert table["F1"].tolist() == [
        *("0.910 (0.87 to 0.93)", "0.900 (0.85 to 0.92)", "0.800", "0.700 (± 0.010)"),
    ]
    assert table["AUROC"].tolist() == ["0.970", "0.960", "-", "0.800"]


POOLED = pd.DataFrame(
    [
        ("b", "seed=1", "test/f1", 0.9, 0.8, 0.95),
        ("b", "seed=1", "auroc", 0.97, 0.9, 0.99),
        ("a", "seed=2", "test/f1", 0.8, np.nan, np.nan),
        ("b", "seed=1", "precision", 0.7, 0.6, 0.75),
    ],
    columns=["setting", "repeat", "metric", "value", "low", "high"],
)


def test_pooled_values_are_one_row_per_setting_and_repeat(tmp_path: Path) -> None:
    report = make_sweep(tmp_path, pooled=POOLED)
    table = pooled_table(report)
    assert list(table.columns) == ["setting", "repeat", "F1", "AUROC"]
    assert table.to_numpy().tolist() == [
        ["b", "seed=1", "0.900 (0.80 to 0.95)", "0.970 (0.90 to 0.99)"],
        ["a", "seed=2", "0.800", "-"],
    ]
    assert pooled_list(report)["value"].tolist() == [0.9, 0.97, 0.8, 0.7]
    assert pooled_list(report)["interval"].tolist()[2] == "-"
    once = make_sweep(tmp_path, pooled=POOLED.assign(repeat=""))
    assert list(pooled_table(once).columns) == ["setting", "F1", "AUROC"]


def test_differences_have_a_sign_an_interval_and_their_p(tmp_path: Path) -> None:
    table = difference_table(make_sweep(tmp_path))
    assert table["one minus other"].tolist() == ["+0.010", "+0.110", "+0.100", "+0.010"]
    assert table["interval"].tolist()[0] == "-0.020 to 0.040"
    assert table["p"].tolist() == [0.4, 0.001, 0.002, 0.01]
    assert table["metric"].tolist() == ["F1", "F1", "F1", "AUROC"]


def test_patients_stand_hardest_first(tmp_path: Path) -> None:
    tables = {
        "a": pd.DataFrame({"patient": ["p", "q", "q"], "recall": [0.9, 0.2, 0.4]}),
        "b": pd.DataFrame({"patient": ["p", "q", "r"], "recall": [0.8, 0.5, 0.99]}),
    }
    wide = patient_by_setting(make_sweep(tmp_path, per_patient=tables))
    assert wide["patient"].tolist() == ["q", "p", "r"]
    assert wide["a"].tolist()[:2] == pytest.approx([0.3, 0.9])


def test_what_was_not_computed_is_an_empty_table(tmp_path: Path) -> None:
    report = make_sweep(tmp_path, differences=pd.DataFrame())
    for table in (difference_table, pooled_table, pooled_list, patient_by_setting):
        assert table(report).empty
