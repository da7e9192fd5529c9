"""A hyperparameter search with Optuna: its space, its trials, its end and its resumption."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from conftest import TINY, Cli
from idc.config.schema.apps import register
from idc.config.tree import choices_of, conf_dir
from idc.errors import ConfigError
from idc.launch import search as searching
from idc.launch.search import _ask, _take_up, check_search
from idc.launch.search_space import read_space
from idc.pipelines.trial import Search

LR = "optimizer.lr=tag(log,interval(1e-4,1e-2))"


@pytest.fixture
def composed() -> Any:
    """Compose a search; sweeps of the command line stand apart, as under -m."""
    register("train")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):

        def make(*swept: str, options: tuple[str, ...] = ()) -> DictConfig:
            cfg = hydra_compose(
                "train", ["hydra/sweeper=optuna", *options], return_hydra_config=True
            )
            OmegaConf.set_readonly(cfg, False)
            OmegaConf.set_readonly(cfg.hydra, False)
            tasks = [one for one in options if not one.startswith("search")]
            cfg.hydra.overrides.task = [*tasks, *swept]
            return cfg

        yield make


def test_hydras_sweeps_become_distributions(composed: Callable[..., DictConfig]) -> None:
    swept = (
        LR,
        "head.dropout=interval(0,0.5)",
        "loader.batch_size=int(tag(log,interval(16,64)))",
        "trainer.max_epochs=range(2,9,3)",
        "backbone=choice(simple_cnn,vanilla_cnn)",
        "augment.mixup=0.0,0.2",
        "seed=3",
    )
    space = read_space(composed(*swept))
    described = {
        key: (type(one).__name__[:5], *vars(one).values())
        for key, one in space.distributions.items()
    }
    assert described == {
        "optimizer.lr": ("Float", None, 1e-4, 1e-2, True),
        "head.dropout": ("Float", None, 0.0, 0.5, False),
        "loader.batch_size": ("IntDi", True, 1, 16, 64),
        "trainer.max_epochs": ("IntDi", False, 3, 2, 8),
        "backbone": ("Categ", ("simple_cnn", "vanilla_cnn")),
        "augment.mixup": ("Categ", ("0.0", "0.2")),
    }
    assert space.fixed == ["seed=3"]
    # Rounded as one would type it, and never beyond an end.
    assert space.values({"optimizer.lr": 0.00123456})["optimizer.lr"] == "0.001235"
    assert space.values({"optimizer.lr": 0.00999999})["optimizer.lr"] == "0.01"
    assert space.values({"head.dropout": 0.49999999, "seed": 1})["head.dropout"] == "0.5"


@pytest.mark.parametrize(
    ("swept", "options", "words"),
    [
        ((), (), "nothing is searched"),
        (("optimizer.lr=interval(0,0.1)",), (), "optimizer.lr=0.0: give"),
        (("head.dropout=interval(0.1,1.5)",), (), "head.dropout=1.5: give"),
        (("loader.batch_size=interval(16,64)",), (), "loader.batch_size=16.0: give a whole"),
        (("loss.label_smoothing=choice(0.0,2.0)",), (), "loss.label_smoothing=2.0: give"),
        (("head.dropout=tag(log,interval(0,0.5))",), (), "head.dropout"),
        (("monitor.metric=val/f1,val/auroc",), (), "cannot be compared"),
        ((LR,), ("search.sampler=cma",), "search.sampler=cma: give"),
        ((LR,), ("search.pruner=later",), "search.pruner=later: give"),
        ((LR,), ("search.n_trials=0",), "search.n_trials=0: give"),
        ((LR,), ("search.sampler=grid",), "optimizer.lr is an interval"),
    ],
)
def test_a_search_that_cannot_work_is_refused_before_any_trial(
    composed: Callable[..., DictConfig],
    swept: tuple[str, ...],
    options: tuple[str, ...],
    words: str,
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_search(composed(*swept, options=options))


def test_optuna_is_an_extra(
    composed: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"idc\[optuna\]"):
        check_search(composed(LR))


@pytest.mark.parametrize("name", [n for n in choices_of("search") if n != "capstone_grid"])
def test_each_space_of_conf_fits_its_options(
    composed: Callable[..., DictConfig], name: str
) -> None:
    cfg = composed(options=(f"search={name}",))
    check_search(cfg)
    for choices in (0, -1):  # the first and the last choice of each group are there
        space = read_space(cfg).distributions
        chosen = {
            key: one.choices[choices] for key, one in space.items() if hasattr(one, "choices")
        }
        hydra_compose("train", [f"search={name}", *(f"{k}={v}" for k, v in chosen.items())])


def objective(values: dict[str, str]) -> float:
    return -abs(float(values["optimizer.lr"]) - 3e-3)


def study_of(
    path: Path, cfg: DictConfig, trials: int, cut: int | None = None
) -> list[dict[str, str]]:
    """Do trials in a study, of which one may be cut short; return what each tried."""
    space, study = read_space(cfg), Search(str(path), "val/f1", "max").open()
    _take_up(study)
    tried = []
    for _ in range(trials):
        batch = _ask(study, space, cfg.hydra.sweeper, 1)
        if not batch:
            break
        (trial,) = batch
        tried.append(dict(trial.user_attrs["values"]))
        if trial.number == cut:
            break
        study.tell(trial, objective(tried[-1]))
    return tried


def test_a_search_that_was_cut_goes_on_as_if_it_had_not_been(
    composed: Callable[..., DictConfig], tmp_path: Path
) -> None:
    cfg = composed(LR, options=("search.n_trials=8", "search.startup_trials=3"))
    whole = study_of(tmp_path / "whole", cfg, 99)
    first = study_of(tmp_path / "cut", cfg, 99, cut=4)
    rest = study_of(tmp_path / "cut", cfg, 99)
    assert len(whole) == 8
    assert first == whole[:5]
    assert rest == whole[4:]  # the fifth once more
    assert study_of(tmp_path / "cut", cfg, 99) == []


def test_a_grid_is_tried_once_each_and_equal_values_are_not_trained_again(
    composed: Callable[..., DictConfig], tmp_path: Path
) -> None:
    swept = ("optimizer.lr=choice(1e-3,3e-3)", "trainer.max_epochs=range(1,4)")
    cfg = composed(*swept, options=("search.sampler=grid",))
    assert len(list(searching._grid(read_space(cfg)))) == 6
    few = composed(swept[0], options=("search.sampler=random", "search.n_trials=20"))
    tried = study_of(tmp_path / "few", few, 99)
    assert sorted(one["optimizer.lr"] for one in tried) == ["0.001", "0.003"]
    study = Search(str(tmp_path / "few"), "val/f1", "max").open()
    assert len(study.trials) == 20
    assert len({trial.value for trial in study.trials}) == 2


def test_trials_are_runs_below_a_parent_with_the_result(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third trial is pruned; the last one's process is gone before it is told, then resumed."""
    from optuna import pruners

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pruners.MedianPruner, "prune", lambda self, study, trial: trial.number == 2)
    epochs = [one for one in TINY if not one.startswith("trainer.max_epochs")]
    arguments = (
        *("-m", *epochs, "trainer.max_epochs=2", "hydra/sweeper=optuna", "hydra.sweep.dir=S"),
        *("search.n_trials=4", LR, "augment=choice(none,light)"),
    )
    tell, told = searching._tell, []

    def stop(study: Any, trial: Any, job: Any, sweep: Any) -> None:
        told.append(trial.number)
        if trial.number == 3:
            raise KeyboardInterrupt
        tell(study, trial, job, sweep)

    with monkeypatch.context() as patch:
        patch.setattr(searching, "_tell", stop)
        result = cli(*arguments)
    assert result.code == 130, result.err
    (parent,) = result.runs("tags.`idc.kind` = 'sweep'")
    assert parent.info.status == "KILLED"
    again = cli(*arguments, f"sweep.resume={parent.info.run_id}")
    assert again.code == 0, again.err
    assert told == [0, 1, 2, 3]
    (parent,) = again.runs("tags.`idc.kind` = 'sweep'")
    children = again.runs(f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert {c.info.status for c in children} == {"FINISHED"}
    states = {c.data.tags["optuna.trial"]: c.data.tags["optuna.state"] for c in children}
    assert states == {"0": "COMPLETE", "1": "COMPLETE", "2": "PRUNED", "3": "COMPLETE"}
    for child in children:
        tested = "test/f1" in child.data.metrics
        assert tested == (child.data.tags["optuna.state"] == "COMPLETE")
    folder = Path(again.client.download_artifacts(parent.info.run_id, "search"))
    names = {path.name for path in folder.iterdir()}
    figures = {"history.png", "slices.png", "parallel_coordinates.png"}
    assert {"study.jsonl", "trials.csv", "best.csv", "best.sh", *figures} <= names
    trials = pd.read_csv(folder / "trials.csv")
    assert trials["state"].tolist() == ["COMPLETE", "COMPLETE", "PRUNED", "COMPLETE"]
    assert trials["epochs"].tolist()[:3] == [2, 2, 1]
    best = trials[trials["state"] == "COMPLETE"]["value"].max()
    assert again.metrics(parent)["search/best"] == pytest.approx(best, abs=1e-5)
    assert parent.data.tags["idc.sweep.best"] in {c.info.run_name for c in children}
    assert "optimistic" in parent.data.tags["mlflow.note.content"]
    board = pd.read_csv(
        Path(again.client.download_artifacts(parent.info.run_id, "comparison/leaderboard.csv"))
    )
    assert (board["kind"] == "run").sum() == 3
