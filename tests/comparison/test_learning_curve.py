"""Metrics against the size of the training split."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finished_runs import finished_run

from idc.comparison.learning_curve import size_table


def test_a_mean_over_seeds_has_a_spread_and_a_single_run_an_interval(tmp_path: Path) -> None:
    runs = [
        finished_run(tmp_path, train=10, split_train_patients="1", seed="1"),
        finished_run(tmp_path, train=10, split_train_patients="1", seed="2"),
        finished_run(tmp_path, train=30, split_train_patients="3", seed="1"),
    ]
    names = {"metric": "f1", "low": 0.1, "high": 0.9}
    pooled = pd.DataFrame(
        {"setting": run.setting, "value": value, **names}
        for run, value in zip(runs, (0.4, 0.6, 0.7), strict=True)
    )
    table = size_table(runs, pooled).set_index("patches")
    assert table.loc[10, "mean"] == pytest.approx(0.5)
    assert table.loc[10, "std"] == pytest.approx(np.std([0.4, 0.6], ddof=1))
    assert table.loc[10, ["low", "high"]].isna().all()
    assert table.loc[30, ["low", "high"]].tolist() == [0.1, 0.9]


def test_without_a_varying_size_there_is_no_curve(tmp_path: Path) -> None:
    run = finished_run(tmp_path, backbone="a")
    pooled = pd.DataFrame({"setting": [run.setting], "metric": "f1", "value": 0.5})
    assert size_table([run], pooled).empty
    sized = finished_run(tmp_path, split_train_patients="1")
    assert size_table([sized], pd.DataFrame()).empty
