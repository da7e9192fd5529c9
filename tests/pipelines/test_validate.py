"""Every choice of every group composes and passes the checks."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from idc.config.tree import conf_dir
from idc.errors import ConfigError
from idc.pipelines.validate import check_config

Compose = Callable[..., dict[str, Any]]


# What else a choice needs, or what stands in its way here.
NEEDS = {
    ("data", "synthetic"): [],
    ("data", "table"): ["data.root=somewhere", "data.table=t.csv"],
    ("experiment", "idc_small"): ["data.root=somewhere"],
    ("backbone", "timm"): ["backbone.model=resnet10t"],
    ("launcher", "slurm"): None,  # composes with its extra installed only
    ("trainer", "gpu"): [],
}


def choices() -> list[tuple[str, str]]:
    paths = sorted(conf_dir().glob("*/*.yaml"))
    of_a_run = ("data", "run")  # not of a training
    return [name for p in paths if (name := (p.parent.name, p.stem)) != of_a_run]


@pytest.mark.parametrize(("group", "choice"), choices(), ids=lambda v: str(v))
def test_every_choice_composes_and_passes_the_checks(
    compose: Compose, group: str, choice: str
) -> None:
    extra = NEEDS.get((group, choice), ["data.root=somewhere"] if group == "data" else [])
    if extra is None:
        text = (conf_dir() / group / f"{choice}.yaml").read_text()
        assert yaml.safe_load(text)["defaults"]
        return
    override = [] if group == "hydra" else [f"{group}={choice}"]
    config = compose(*override, *extra)
    if group not in ("hydra", "experiment"):
        assert config["choices"][group] == choice
    check_config(config)


@pytest.mark.parametrize("name", ["optimizer.foo", "scheduler.foo", "trainer.foo"])
def test_an_argument_that_a_class_does_not_take_is_named(compose: Compose, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        check_config(compose(f"+{name}=3"))
