"""What a configuration builds: each part as configured, or refused by its place."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from idc.attribution.pipeline.options import explains_anything
from idc.config.build import build
from idc.config.tree import conf_dir
from idc.config.values import look_up
from idc.errors import ConfigError
from idc.models.schedulers import Horizon

Compose = Callable[..., dict[str, Any]]


def names_of(group: str) -> list[str]:
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))


@pytest.mark.parametrize("name", names_of("optimizer"))
@pytest.mark.parametrize("schedule", names_of("scheduler"))
def test_optimizers_and_schedules_fit_together(compose: Compose, name: str, schedule: str) -> None:
    config = compose(f"optimizer={name}", f"scheduler={schedule}", "optimizer.lr=0.01")
    layer = nn.Linear(2, 1)
    optimizer = build({**config["optimizer"], "_partial_": True}, "optimizer")(layer.parameters())
    node = {**config["scheduler"], "_partial_": True}
    described = build(node, "scheduler")(optimizer, Horizon(20, "val/f1", "max"))
    before = layer.weight.clone()
    for _ in range(6):
        layer(torch.ones(1, 2)).square().sum().backward()
        optimizer.step()
        described["scheduler"].step(*((0.5,) if "monitor" in described else ()))
    assert not torch.equal(before, layer.weight)
    assert 0 < optimizer.param_groups[0]["lr"] <= 0.01


@pytest.mark.parametrize("name", names_of("explain"))
def test_attribution_methods_are_built(compose: Compose, name: str) -> None:
    methods = compose(f"explain={name}")["explain"]["methods"]
    expected = {"default": ["gradcam", "integrated_gradients"], "none": []}.get(name, [name])
    assert list(methods) == expected
    for key, node in methods.items():
        assert callable(build(node, key))


def test_one_switch_turns_all_parts_of_an_explanation_off(compose: Compose) -> None:
    """And each may be turned on again."""
    values = {
        "faithfulness.patches": (24, 0),
        "features.patches": (2, 0),
        "embedding.method": ("tsne", "none"),
        "slides.patients": (3, 0),
    }
    on, off = compose()["explain"], compose("explain.parts=false")["explain"]
    for name, expected in values.items():
        assert (look_up(on, name), look_up(off, name)) == expected
    assert on["methods"] == off["methods"]
    assert not explains_anything(compose("explain=none")["explain"])
    again = compose("explain=none", "explain.slides.patients=all")["explain"]
    assert again["slides"]["patients"] == "all"
    assert explains_anything(again)


@pytest.mark.parametrize("name", names_of("augment"))
def test_augmentations_are_built(compose: Compose, name: str) -> None:
    nodes = compose(f"augment={name}")["augment"]["transforms"]
    assert [build(node, "augment") for node in nodes] or name == "none"


def test_a_missing_value_is_named(compose: Compose) -> None:
    with pytest.raises(ConfigError, match=r"data\.root.*data\.root=VALUE"):
        compose("data=idc")


def test_a_target_that_refuses_its_values_is_named() -> None:
    with pytest.raises(ConfigError, match=r"optimizer: torch\.optim\.SGD refused.*sped"):
        build({"_target_": "torch.optim.SGD", "params": [], "sped": 1}, "optimizer")


def test_every_value_of_the_faithfulness_plan_can_be_set(compose: Compose) -> None:
    node = dict(compose()["explain"]["faithfulness"])
    plan = build(node, "explain.faithfulness")
    del node["_target_"]
    assert node == dataclasses.asdict(plan)
