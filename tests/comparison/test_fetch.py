"""Which runs are compared, and which count as repeats."""

from dataclasses import replace
from pathlib import Path

import pytest
from finished_runs import finished_run

from idc.comparison.fetch import _with_distinct_settings, chosen_runs
from idc.errors import ConfigError


def test_settings_of_two_sweeps_are_not_repeats_of_one_another(tmp_path: Path) -> None:
    one, two = (
        replace(finished_run(tmp_path, backbone="a", seed=s), sweep=f"s{s}") for s in ("1", "2")
    )
    assert [run.setting for run in _with_distinct_settings([one, two])] == [
        "backbone=a, sweep=s1",
        "backbone=a, sweep=s2",
    ]
    same = replace(two, sweep="s1")
    assert {run.setting for run in _with_distinct_settings([one, same])} == {"backbone=a"}


def test_runs_without_a_sweep_are_settings_by_their_names(tmp_path: Path) -> None:
    runs = [finished_run(tmp_path, backbone=name) for name in "abc"]
    for run, name in zip(runs, ("one", "one", "two"), strict=True):
        run.outcome.settings.clear()
        run.outcome.name = name
    names = [run.setting for run in _with_distinct_settings(runs)]
    assert names[2] == "two"
    assert len(set(names)) == 3


@pytest.mark.parametrize(("runs", "experiment"), [([], False), (["1"], True)])
def test_one_choice_of_runs_is_needed(runs: list[str], experiment: bool, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exactly one of"):
        chosen_runs(None, runs, None, experiment, tmp_path)  # type: ignore[arg-type]
