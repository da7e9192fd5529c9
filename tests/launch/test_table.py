"""What the terminal shows at the end."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from idc.launch.table import mean_and_spread, print_comparison, print_outcome, where_to_look
from idc.runtime.outcome import Outcome


def config(uri: str | None = None) -> dict[str, Any]:
    return {"tracking": {"uri": uri}, "paths": {"mlruns": "/a b/mlruns"}}


def cells(text: str) -> list[list[str]]:
    """The rows of the tables in a text."""
    rows = (line.strip().strip("│") for line in text.splitlines() if "│" in line)
    return [[cell.strip() for cell in row.split("│")] for row in rows]


def test_metrics_stand_beside_their_intervals(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    metrics = {"val/threshold": 0.25, "test/f1": 0.5, "test/f1_at_0.5": 0.4, "test/auroc": 0.75}
    metrics |= {"test/f1_ci_low": 0.3, "test/f1_ci_high": 0.7}
    outcome = Outcome("a run", run_id="abc", metrics=metrics, notes=["a caveat"])
    print_outcome(outcome, config(), tmp_path)
    out = capsys.readouterr().out
    assert cells(out) == [
        ["f1", "0.500", "0.300 .. 0.700", "0.400"],
        ["auroc", "0.750", "", ""],
    ]
    for part in ("0.250", "a caveat", str(tmp_path), "abc"):
        assert part in out


def test_without_a_run_there_is_no_way_to_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    print_outcome(Outcome("a run"), config(), tmp_path)
    assert "mlflow" not in capsys.readouterr().out


def test_the_place_to_look_is_the_servers_or_the_quoted_database() -> None:
    assert where_to_look(config("http://host:5000")) == "http://host:5000"
    assert "sqlite:////a b/mlruns/mlflow.db'" in where_to_look(config())
    assert "'sqlite:///x y.db'" in where_to_look(config("sqlite:///x y.db"))


def test_a_leaderboard_has_one_row_per_setting(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        ("seed=1", 2, "run", False, 0.5, 0.1),
        ("class prior", 1, "baseline", True, 0.2, np.nan),
    ]
    names = ["setting", "runs", "kind", "leaky", "test/f1_mean", "test/f1_std"]
    print_comparison(pd.DataFrame(rows, columns=names), ["test/f1"], ["better"], ["a caveat"])
    out = capsys.readouterr().out
    assert cells(out) == [
        ["seed=1", "2", "0.500 ± 0.100"],
        ["class prior (leaky)", "baseline", "0.200"],
    ]
    assert out.index("a caveat") < out.index("better")


def test_a_mean_alone_has_no_spread() -> None:
    assert mean_and_spread(0.9123, float("nan")) == "0.912"
    assert mean_and_spread(0.9123, 0.004) == "0.912 ± 0.004"
