"""Every value of every app is checked: wrong types, null, what is not finite, out of range."""

import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from idc.config.check import check, check_root
from idc.config.schema.apps import part_names, register, rule_for, rules
from idc.config.tree import conf_dir
from idc.errors import ConfigError

APPS = ("train", "evaluate", "prepare", "compare", "explain", "review", "signoff", "sync", "gc")
# What a choice lacks here.
GIVEN = ("data.root=.", "data.table=t.csv", "run=0123abc", "hydra/launcher=basic")
NULL_TOO = {  # besides those that are null by default
    *("count", "explain.count", "backbone.bn_momentum", "callbacks.early_stopping.patience"),
    *(f"data.columns.{name}" for name in ("patient", "split", "x", "y", "weight")),
}
MAPPINGS = ("trainer.max_time", "trainer.profiler")
NAMES = (
    *("name", "experiment_name", "tracking.experiment", "trainer.precision"),
    "data.positive",
)
AUTO = (
    "trainer.channels_last",
    "trainer.compile",
    "trainer.deterministic",
    "optimizer.fused",
)
WORD = "no such value"


def groups_of(app: str) -> dict[str, list[str]]:
    """The groups of an app and their choices, but those that need something installed."""
    defaults = OmegaConf.load(conf_dir() / f"{app}.yaml").defaults
    named = [next(iter(d)) for d in defaults if not isinstance(d, str)]
    without = ("hydra", "launcher", "experiment")
    choices = {
        str(group): {p.stem for p in (conf_dir() / str(group)).glob("*.yaml")}
        for group in named
        if group not in without
    }
    choices["data"].remove("run")  # there is none
    return {group: sorted(names) for group, names in choices.items()}


@cache
def configs() -> list[tuple[str, dict[str, Any]]]:
    """Compositions of every app; those of training hold each choice of each group."""
    composed = []
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for app in APPS:
            register(app)
            groups = groups_of(app) if app == "train" else {}
            for i in range(max(map(len, groups.values()), default=1)):
                chosen = [f"{g}={choices[i % len(choices)]}" for g, choices in groups.items()]
                cfg = hydra_compose(app, chosen)
                lacking = [o for o in GIVEN if missing(cfg, o.partition("=")[0])]
                cfg.merge_with_dotlist(lacking)
                composed.append((app, dict(OmegaConf.to_container(cfg, resolve=True))))
        slurm = OmegaConf.load(conf_dir() / "launcher" / "slurm.yaml")
        joblib = OmegaConf.load(conf_dir() / "launcher" / "joblib.yaml")
        composed += [("train", {"launcher": dict(c.launcher)}) for c in (slurm, joblib)]
    return composed


def missing(cfg: Any, key: str) -> bool:
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(cfg, parent) if parent else cfg
    return OmegaConf.is_dict(node) and OmegaConf.is_missing(node, name)


def leaves(node: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", value


def changed(config: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The configuration with another value, and nothing else that a check would name first."""
    key, dot, below = name.partition(".")
    return {**config, key: changed(config.get(key, {}), below, value) if dot else value}


@cache
def cases() -> dict[str, tuple[dict[str, Any], set[type], Any]]:
    """Each key once: a configuration that holds it, the types of its defaults, and one of them."""
    found: dict[str, tuple[dict[str, Any], set[type], Any]] = {}
    for _, config in configs():
        for name, value in leaves(config):
            kept, kinds, default = found.get(name, (config, set(), value))
            found[name] = (kept, kinds | {type(value)}, default)
    return found


@pytest.mark.slow
def test_what_is_composed_passes() -> None:
    for app, config in configs():
        try:
            check(config)
        except ConfigError as error:
            pytest.fail(f"{app}: {error}")


@pytest.mark.slow
def test_every_value_is_in_the_schema_and_every_option_is_used() -> None:
    names = set(cases())
    without = {n for n in names if rule_for(n) is None and not n.startswith("data.source.")}
    assert not without - part_names(), "declare them in idc.config.schema"
    assert {name for name in rules() if "*" not in name} <= names | {"explain.methods"}


@pytest.mark.slow
def test_wrong_values_are_refused_by_name() -> None:
    """In one test, as composing for each would cost more than checking."""
    for name in cases():
        if rule_for(name) is not None:
            refuse_wrong_values(name)


def refuse_wrong_values(name: str) -> None:
    config, kinds, _ = cases()[name]
    nullable = type(None) in kinds or name in NULL_TOO
    wrong: list[Any] = [math.nan, math.inf, -math.inf, [[[1]]], [math.nan], b"bytes"]
    if name not in (*MAPPINGS, "explain.methods", "logger", "sweep"):
        wrong += [{"key": 1}]
    if dict not in kinds and bool not in kinds and name not in AUTO:
        wrong += [True]
    if not nullable:
        wrong += [None]
    if kinds & {int, float, bool} and name not in NAMES:
        wrong += [WORD, -1e300, 10**400]
    if bool in kinds:
        wrong += [1, 0]
    if str in kinds:
        wrong += ["", " "]
    if list in kinds:
        wrong += [[None], [True]] if name in NAMES else [7, -1e300, [None], [True]]
    for value in wrong:
        try:
            check(changed(config, name, value))
        except ConfigError as error:
            assert str(error).startswith(name), (name, value)
        else:
            pytest.fail(f"{name}={value} was taken")
    if nullable:
        check(changed(config, name, None))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", 2**64),
        ("seed", True),
        ("data.patch_size", 50.0),
        ("trainer.devices", 0),
        ("trainer.devices", "two"),
        ("trainer.limit_train_batches", 1.5),
        ("tracking.kind", "foo"),
        ("monitor.metric", "val/f2"),
        ("threshold.rule", "recall>="),
        ("loss.class_weights", [1, -1]),
        ("split.val_patients", "8863"),
        ("loader", 5),
        ("loader.eval_batch_size", {"a": 1}),
        ("trainer.extra", math.nan),
        ("augment.transforms", [{"_target_": "albumentations.D4", "p": math.nan}]),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: Any) -> None:
    config = configs()[0][1]
    with pytest.raises(ConfigError) as refused:
        check(changed(config, name, value))
    assert str(refused.value).startswith(f"{name}=")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 2**32 - 1),
        ("split.test_patients", [8863, "p-1"]),
        ("name", 2024),
        ("threshold.rule", "recall>=0.95"),
        ("trainer.max_time", "00:01:00:00"),
        ("trainer.max_time", {"hours": 1}),
        ("trainer.devices", [0, 1]),
        ("trainer.limit_train_batches", 1),
        ("trainer.extra", 3),
        ("loss.class_weights", "balanced"),
    ],
)
def test_what_is_right_passes(name: str, value: Any) -> None:
    check(changed(configs()[0][1], name, value))


def test_values_that_contradict_one_another() -> None:
    config = configs()[0][1]
    for changes in (
        {"monitor.mode": "min"},
        {"split.folds": 3, "split.fold": 3},
        {"split.test_fraction": 0.6, "split.val_fraction": 0.4},
        {"backbone.unfreeze_every": 1},
        {"optimizer.nesterov": True, "optimizer.momentum": 0.0},
    ):
        copied = config
        for name, value in changes.items():
            copied = changed(copied, name, value)
        with pytest.raises(ConfigError) as refused:
            check(copied)
        assert any(name in str(refused.value) for name in changes)


@pytest.mark.parametrize(
    ("added", "nearest"),
    [
        ("monitor.metrik=val/f1", "monitor.metric"),
        ("callbacks.patience=3", None),
        ("callbacks.early={patience: 3}", None),
        ("data.positive_fractions=0.5", "data.positive_fraction"),
        ("learning_rate=0.1", None),
        ("tracking.experiment_name=a", "tracking.experiment"),
    ],
)
def test_an_added_key_that_nothing_reads_is_refused(
    compose: Callable[..., dict[str, Any]], added: str, nearest: str | None
) -> None:
    with pytest.raises(ConfigError, match=re.escape(added.partition("=")[0])) as error:
        check(compose(f"+{added}"))
    assert (f"did you mean {nearest}?" in str(error.value)) == (nearest is not None)


def test_an_added_key_that_something_reads_passes(
    compose: Callable[..., dict[str, Any]],
) -> None:
    check(
        compose(
            "+callbacks.a._target_=pytorch_lightning.callbacks.DeviceStatsMonitor",
            "+logger.csv._target_=pytorch_lightning.loggers.CSVLogger",
            "+trainer.detect_anomaly=true",
            "+optimizer.alpha=0.9",
            "+trusted._target_=mypackage.net",
        )
    )


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    check_root({"data": {"root": str(tmp_path)}})
    check_root({"data": {"root": None}})
    check_root({})
    with pytest.raises(ConfigError, match=r"data\.root: there is no folder.*nowhere"):
        check_root({"data": {"root": str(tmp_path / "nowhere")}})
    with pytest.raises(ConfigError, match=r"data\.root=null"):
        check_root({"data": {"root": None, "source": {"root": None}}})


BAD = {
    "train": ("optimizer.lr=nan",),
    "evaluate": ("run=x", "intervals.level=2"),
    "prepare": ("verify=perhaps",),
    "compare": ("intervals.draws=-1",),
    "explain": ("run=x", "explain.count=0"),
    "review": ("run=x", "count=-3"),
    "signoff": ("run=x", "pdf=3"),
}
HEAVY = ("torch", "pytorch_lightning", "mlflow", "pandas", "scipy", "sklearn", "albumentations")
WHAT_IT_LOADS = f"""
import importlib, sys
for app, values in {BAD!r}.items():
    sys.argv = [app, *values]
    module = "idc." + app
    try:
        importlib.import_module(module).main()
    except SystemExit as stop:
        print(app, stop.code)
print("heavy:", [name for name in {HEAVY!r} if name in sys.modules])
"""


@pytest.mark.slow
def test_a_wrong_value_costs_no_heavy_import(tmp_path: Path) -> None:
    """Torch, Lightning, MLflow and pandas take 12 s to import; a wrong value is told before."""
    done = subprocess.run(
        [sys.executable, "-c", WHAT_IT_LOADS],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=200,
    )
    assert done.stdout.splitlines() == [*(f"{app} 1" for app in BAD), "heavy: []"], done.stderr
    assert done.stderr.count("error: ") == len(BAD)
    assert not (tmp_path / "mlruns").exists()
