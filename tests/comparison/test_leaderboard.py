"""The leaderboard: settings best first, baselines below, values of the comparison first."""

import numpy as np
import pandas as pd
import pytest

from idc.comparison.contestant import Contestant
from idc.comparison.leaderboard import RUN, WHOLE, leaderboard, setting_of
from idc.comparison.significance import Comparison
from idc.runtime.outcome import Outcome

F1 = ("test/f1",)


def outcome(
    value: float, leaky: bool = False, status: str = "FINISHED", **settings: str
) -> Outcome:
    return Outcome("", status, metrics={"test/f1": value}, settings=settings, leaky=leaky)  # type: ignore[arg-type]


def test_repeats_do_not_name_a_setting() -> None:
    assert setting_of({"backbone": "a", "seed": "1", "split.fold": "2"}) == "backbone=a"
    assert setting_of({"seed": "1", "data.seed": "3"}) == WHOLE
    assert setting_of({RUN: "my run"}) == "my run"


def test_settings_stand_best_first_with_mean_and_spread_of_their_runs() -> None:
    runs = [
        outcome(0.6, backbone="a", seed="1"),
        outcome(0.8, backbone="a", seed="2", leaky=True),
        outcome(0.9, backbone="b"),
        outcome(np.nan, backbone="c"),
        outcome(0.99, backbone="d", status="FAILED"),
    ]
    board = leaderboard(runs, F1)
    assert board["setting"].tolist() == ["backbone=b", "backbone=a", "backbone=c"]
    assert board["runs"].tolist() == [1, 2, 1]
    assert board["leaky"].tolist() == [False, True, False]
    a = board.iloc[1]
    assert a["test/f1_values"] == [0.6, 0.8]
    assert a["test/f1_mean"] == pytest.approx(0.7)
    assert a["test/f1_std"] == pytest.approx(np.std([0.6, 0.8], ddof=1))
    assert board[["test/f1_low", "test/f1_high"]].isna().all(axis=None)


def test_compared_values_come_before_pooled_ones_and_those_before_means() -> None:
    runs = [outcome(0.5, backbone=name) for name in "abc"]
    columns = ["setting", "metric", "value", "low", "high"]
    pooled = pd.DataFrame(
        [
            ("backbone=a", "f1", 0.1, 0.0, 0.2),
            ("backbone=b", "f1", 0.6, 0.5, 0.7),
            ("backbone=c", "f1", 0.2, 0.1, 0.3),
            ("backbone=c", "f1", 0.4, 0.3, 0.5),
        ],
        columns=columns,
    )
    names = ["name", *columns[1:]]
    rows = [("backbone=a", "f1", 0.7, 0.6, 0.8), ("prior", "f1", 0.3, 0.2, 0.4)]
    comparison = Comparison(("f1",), pd.DataFrame(rows, columns=names), pd.DataFrame(), 0.05)
    baseline = Contestant("prior", {}, 2, "baseline")
    board = leaderboard(runs, F1, comparison, [baseline], pooled).set_index("setting")
    assert board.index.tolist() == ["backbone=a", "backbone=b", "backbone=c", "prior"]
    assert board["test/f1_mean"].tolist() == pytest.approx([0.7, 0.6, 0.3, 0.3])
    assert board["test/f1_low"].tolist()[:2] == [0.6, 0.5]
    assert np.isnan(board.loc["backbone=c", "test/f1_low"])  # of two repeats
    assert board.loc["prior", ["kind", "runs"]].tolist() == ["baseline", 0]


def test_no_outcome_is_an_empty_board() -> None:
    assert leaderboard([]).empty
