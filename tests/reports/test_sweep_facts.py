"""The best setting of a sweep, and what it differs from."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
from run_cases import make_sweep

from idc.reports.run_input import SweepReport
from idc.reports.sweep_facts import best_row, best_setting, is_baseline, is_leaky, sweep_sentences


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
