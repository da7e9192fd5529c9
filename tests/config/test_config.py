"""Every choice of every group composes and makes what it promises."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from idc.attribution.faithfulness import FaithfulnessPlan
from idc.attribution.pipeline.options import explains_anything
from idc.config.build import build
from idc.config.conf_dir import conf_dir
from idc.config.values import look_up
from idc.errors import ConfigError
from idc.models.schedulers import Horizon
from idc.pipelines.build import build_network
from idc.pipelines.validate import check_config

Compose = Callable[..., dict[str, Any]]
# What else a choice needs, or what stands in its way here.
NEEDS = {
    ("data", "idc"): ["data.root=somewhere"],
    ("data", "folder"): ["data.root=somewhere"],
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
    extra = NEEDS.get((group, choice), [])
    if extra is None:
        text = (conf_dir() / group / f"{choice}.yaml").read_text()
        assert yaml.safe_load(text)["defaults"]
        return
    override = [] if group == "hydra" else [f"{group}={choice}"]
    config = compose(*override, *extra)
    if group not in ("hydra", "experiment"):
        assert config["choices"][group] == choice
    check_config(config)


@pytest.mark.parametrize("name", [c for g, c in choices() if g == "backbone"])
def test_backbones_are_built_as_configured(compose: Compose, name: str) -> None:
    config = compose(f"backbone={name}", *(NEEDS.get(("backbone", name)) or []))
    network = build_network(config, 3).eval()
    with torch.no_grad():
        out = network(torch.zeros(1, 3, 50, 50, dtype=torch.uint8))
    assert out.shape == (1, 3)


def test_size_and_stem_reach_the_backbone(compose: Compose) -> None:
    sizes = {}
    for stem in ("standard", "small"):
        config = compose("backbone=resnet18", f"backbone.stem={stem}", "data.image_size=64")
        network = build_network(config, 2)
        assert network.image_size == 64
        sizes[stem] = network.backbone.stages(torch.zeros(1, 3, 64, 64)).shape[-1]
    assert sizes == {"standard": 2, "small": 8}


@pytest.mark.parametrize("name", [c for g, c in choices() if g == "optimizer"])
@pytest.mark.parametrize("schedule", [c for g, c in choices() if g == "scheduler"])
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


@pytest.mark.parametrize("name", [c for g, c in choices() if g == "explain"])
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
        "smoothing.use": (True, False),
    }
    on, off = compose()["explain"], compose("explain.parts=false")["explain"]
    for name, expected in values.items():
        assert (look_up(on, name), look_up(off, name)) == expected
    assert on["methods"] == off["methods"]
    assert not explains_anything(compose("explain=none")["explain"])
    again = compose("explain=none", "explain.slides.patients=all")["explain"]
    assert again["slides"]["patients"] == "all"
    assert explains_anything(again)


@pytest.mark.parametrize("name", ["none", "light", "strong", "gpu"])
def test_augmentations_are_built(compose: Compose, name: str) -> None:
    nodes = compose(f"augment={name}")["augment"]["transforms"]
    assert [build(node, "augment") for node in nodes] or name == "none"


def test_a_missing_value_is_named(compose: Compose) -> None:
    with pytest.raises(ConfigError, match=r"data\.root.*data\.root=VALUE"):
        compose("data=idc")


def test_a_target_that_refuses_its_values_is_named() -> None:
    with pytest.raises(ConfigError, match=r"optimizer: torch\.optim\.SGD refused.*sped"):
        build({"_target_": "torch.optim.SGD", "params": [], "sped": 1}, "optimizer")


def test_what_is_configured_exists() -> None:
    """No YAML of a group is left without a use, and names are those of the design."""
    fixed = {
        "backbone": {
            *("resnet50", "resnet18", "vgg16", "vgg19", "mobilenet_v2", "mobilenet_v3_small"),
            *("mobilenet_v3_large", "simple_cnn", "vanilla_cnn", "timm"),
        },
        "trainer": {"auto", "cpu", "gpu", "ddp", "ddp_cpu", "debug"},
        "tracking": {"local", "server", "none"},
        "optimizer": {"sgd", "adam", "adamw", "rmsprop", "adadelta"},
        "scheduler": {"cosine", "one_cycle", "step", "plateau", "constant"},
        "augment": {"none", "light", "strong"},
    }
    for group, names in fixed.items():
        assert names <= {Path(p).stem for p in (conf_dir() / group).glob("*.yaml")}


def test_every_value_of_the_faithfulness_plan_can_be_set(compose: Compose) -> None:
    node = dict(compose()["explain"]["faithfulness"])
    plan = build(node, "explain.faithfulness")
    del node["_target_"]
    assert node == dataclasses.asdict(plan) == dataclasses.asdict(FaithfulnessPlan())
