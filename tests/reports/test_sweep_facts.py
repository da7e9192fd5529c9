"""The best setting of a sweep, and what it differs from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_cases import make_sweep

from idc.reports.run_input import SweepReport
from idc.reports.sweep_facts import (
    best_row,
    best_setting,
    board_table,
    difference_table,
    is_baseline,
    is_leaky,
    patient_by_setting,
    pooled_list,
    pooled_table,
    sweep_sentences,
)


def lead(report: SweepReport) -> str:
    return sweep_sentences(report).text("lead")


def sweep_warnings(report: SweepReport) -> list[str]:
    return sweep_sentences(report).list("warnings")


def test_the_best_setting_is_neither_a_baseline_nor_leaky(tmp_path: Path) -> None:
    report = make_sweep(tmp_path)
    board = report.leaderboard
    assert is_baseline(board).tolist() == [False, False, False, True]
    assert best_setting(report) == {
        "setting": "a", "runs": 5, "mean": 0.91, "interval": (0.87, 0.93),
    }  # fmt: skip
    simple = best_row(report, is_baseline(board))
    assert simple is not None and (simple["setting"], simple["interval"]) == (
        "colour statistics",
        None,
    )
    leaky = replace(report, leaderboard=board.assign(leaky=[True, False, False, False]))
    second = best_setting(leaky)
    assert second is not None and second["setting"] == "b"
    all_leaky = replace(report, leaderboard=board.assign(leaky=True))
    first = best_setting(all_leaky)
    assert first is not None and first["setting"] == "a"
    assert not is_leaky(board.drop(columns="leaky")).any()
    assert best_setting(replace(report, leaderboard=pd.DataFrame())) is None


def test_a_baseline_is_no_rival_among_settings(tmp_path: Path) -> None:
    report = make_sweep(tmp_path)
    rule = report.differences.head(1).assign(a="colour statistics", b="a", p_holm=0.001, apart=True)
    report = replace(report, differences=pd.concat([report.differences, rule]))
    sentence = lead(report)
    assert "It differs significantly from 1 of 2 others" in sentence
    assert "has 0.700; the best setting differs significantly from it." in sentence
    assert sweep_warnings(report) == []
    unsure = replace(report, differences=report.differences.assign(p_holm=0.4, apart=False))
    assert "the best setting does not differ significantly from it." in lead(unsure)
    assert sweep_warnings(unsure)[0].startswith("No setting is significantly better")


def test_differences_that_were_not_tested(tmp_path: Path) -> None:
    report = make_sweep(tmp_path, differences=pd.DataFrame())
    assert "Whether it is significantly better was not tested." in lead(report)
    one = replace(report, leaderboard=report.leaderboard.head(1))
    assert lead(one) == "One setting, a: F1 of 0.910 (0.870 to 0.930), of 5 runs."


def test_a_baseline_that_is_as_good_is_a_warning(tmp_path: Path) -> None:
    report = make_sweep(tmp_path)
    board = report.leaderboard.assign(**{"test/f1_mean": [0.7, 0.69, 0.6, 0.7]})
    messages = sweep_warnings(replace(report, leaderboard=board))
    assert messages == [
        "No setting beats a simple baseline: the F1 of colour statistics, without a network, is "
        "0.700, that of the best setting 0.700."
    ]


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
