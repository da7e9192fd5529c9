"""Which runs are compared with which, and the tables and page of a comparison."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idc.comparison import pooling
from idc.comparison.analysis import Analysis
from idc.comparison.fetch import _with_distinct_settings
from idc.comparison.learning_curve import size_table
from idc.comparison.pooling import slug
from idc.comparison.runs import FinishedRun, baselines, contestants
from idc.evaluation.baselines import SHOWN
from idc.pipelines import compare as comparing
from idc.pipelines.compare import compare_runs
from idc.pipelines.run_context import RunContext
from idc.runtime.outcome import Outcome
from idc.tracking.privacy import Redactor

CONFIG = {"intervals": {"draws": 400, "level": 0.95}, "seed": 0, "report": True}
Make = Callable[..., FinishedRun]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A finished run of twelve patients in three folds, as its files tell of it."""

    def run(
        train: int = 30, skill: float = 1.0, leaky: bool = False, **settings: str
    ) -> FinishedRun:
        names = {k.replace("_", ".", 1) if "split" in k else k: v for k, v in settings.items()}
        folder = tmp_path / "-".join(names.values())
        (folder / "evaluation").mkdir(parents=True)
        fold = int(names.get("split.fold", 0))
        rng = np.random.default_rng(fold)
        patients = [str(9000 + 3 * i + fold) for i in range(4)]
        frame = pd.DataFrame({"patient": np.repeat(patients, 10), "label": np.tile([0, 1], 20)})
        frame["path"] = [f"{p}/{i}.png" for i, p in enumerate(frame["patient"])]
        noise = rng.normal(size=40)
        frame["score_raw"] = 1 / (1 + np.exp(-skill * (2 * frame["label"] - 1) - noise))
        frame = frame.assign(x=0, y=0, split="test", row=range(40), checks="")
        frame["score"] = frame["score_raw"]
        frame["predicted"] = (frame["score"] >= 0.5).astype(int)
        frame["loss"] = 0.5
        frame.to_parquet(folder / "evaluation" / "predictions.parquet")
        simple = frame.assign(baseline="class prior", score=0.5, predicted=1)
        simple[["baseline", *frame]].to_parquet(folder / "evaluation" / "baselines.parquet")
        split = pd.DataFrame({"patient": "1", "split": "train"}, index=range(train))
        split.to_parquet(folder / "split.parquet")
        metrics = {f"test/{name}": 0.5 for name in SHOWN}
        outcome = Outcome(
            ",".join(f"{k}={v}" for k, v in names.items()),
            "FINISHED",
            "-".join(names.values()),
            metrics=metrics,
            settings=names,
            class_names=["no IDC", "IDC"],
            leaky=leaky,
        )
        return FinishedRun(outcome, folder)

    return run


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Analysis]:
    """Compare runs; figures are looked at elsewhere."""
    for module in (comparing, pooling):
        monkeypatch.setattr(module, "save_figures", lambda figures, folder: None)

    def compare(*runs: FinishedRun, **intervals: float) -> Analysis:
        config = {**CONFIG, "intervals": {**CONFIG["intervals"], **intervals}}
        redactor, folder = Redactor(True, None, tmp_path), tmp_path / "out"
        context = RunContext(Outcome("sweep"), config, folder, redactor)
        outcomes = [run.outcome for run in runs]
        return compare_runs(context, runs, outcomes, "command", strict=False)

    return compare


@pytest.mark.parametrize("intervals", [{"draws": 0}, {"level": 0.999}])
def test_every_documented_interval_gives_a_page(
    make: Make, compared: Callable[..., Analysis], tmp_path: Path, intervals: dict[str, float]
) -> None:
    runs = [make(head=head, split_fold=str(fold)) for head in ("linear", "mlp") for fold in (0, 1)]
    found = compared(*runs, **intervals)
    assert found.comparison is not None
    assert len(found.comparison.differences)
    assert found.pooled["low"].isna().all() == (intervals.get("draws") == 0)
    assert (tmp_path / "out" / "evaluation" / "report.html").is_file()


def test_a_missing_fold_leaves_out_its_setting_only(
    make: Make, compared: Callable[..., Analysis]
) -> None:
    runs = [
        make(backbone=name, split_fold=str(fold), skill=skill)
        for name, skill in (("a", 1.0), ("b", 2.0), ("c", 0.2))
        for fold in range(3)
        if (name, fold) != ("a", 1)
    ]
    found = compared(*runs)
    assert found.comparison is not None
    assert set(found.comparison.estimates["name"]) == {"backbone=b", "backbone=c", "class prior"}
    assert any("Excluded from the tests" in n and "backbone=a" in n for n in found.notes)
    board = found.board.set_index("setting")
    assert board.loc["class prior", "kind"] == "baseline"
    lone = found.pooled.set_index(["setting", "metric"]).loc[("backbone=a", "f1")]
    ends = board.loc["backbone=a", ["test/f1_mean", "test/f1_low", "test/f1_high"]]
    assert ends.tolist() == lone[["value", "low", "high"]].tolist()
    assert np.isfinite(board.loc["backbone=b", "test/f1_low"])
    assert {"split.fold"} == {k for r in runs for k in r.settings} - {"backbone"}


def test_repeats_on_other_patches_are_told(make: Make, compared: Callable[..., Analysis]) -> None:
    # A fold stands for another split: other patients are tested.
    runs = []
    for seed in ("1", "2"):
        run = make(backbone="a", split_fold=seed)
        settings = {"backbone": "a", "split.seed": seed}
        run.outcome.settings.clear()
        run.outcome.settings.update(settings)
        runs.append(FinishedRun(run.outcome, run.folder))
    found = compared(*runs)
    assert found.comparison is None
    assert any("between repeats: backbone=a" in note for note in found.notes)


def test_a_repeat_without_all_folds_is_left_out_and_named(make: Make) -> None:
    runs = [
        make(backbone="a", seed=seed, split_fold=str(fold))
        for seed in ("1", "2")
        for fold in range(3)
        if (seed, fold) != ("2", 0)
    ]
    (one,), notes = contestants(runs)
    assert list(one.repeats) == ["seed=1"]
    assert len(one.patches) == 120
    assert len(notes) == 1 and "backbone=a" in notes[0] and "seed=2" in notes[0]


def test_baselines_know_the_largest_split_that_does_not_leak(make: Make) -> None:
    runs = [
        make(train=10, split_train_fraction="0.1"),
        make(train=90, split_train_fraction="1.0"),
        make(train=95, leaky=True, split="random"),
    ]
    settings = [run.setting for run in runs]
    found, known = baselines(runs, settings)
    assert known == "split.train_fraction=1.0"
    assert [one.name for one in found] == ["class prior"]
    assert baselines(runs, [])[0] == []


def test_settings_of_two_sweeps_are_not_repeats_of_one_another(make: Make) -> None:
    one, two = (replace(make(backbone="a", seed=s), sweep=f"s{s}") for s in ("1", "2"))
    assert [run.setting for run in _with_distinct_settings([one, two])] == [
        "backbone=a, sweep=s1",
        "backbone=a, sweep=s2",
    ]
    same = replace(two, sweep="s1")
    assert {run.setting for run in _with_distinct_settings([one, same])} == {"backbone=a"}


def test_long_names_of_settings_stay_apart() -> None:
    names = ["x=" + 90 * "y" + end for end in ("1", "2")]
    assert len({slug(name) for name in names}) == 2
    assert all(len(slug(name)) <= 80 for name in names)


def test_a_mean_over_seeds_has_a_spread_and_a_single_run_an_interval(make: Make) -> None:
    runs = [
        make(train=10, split_train_patients="1", seed="1"),
        make(train=10, split_train_patients="1", seed="2"),
        make(train=30, split_train_patients="3", seed="1"),
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
