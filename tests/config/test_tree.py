"""The keys that a training can have, from the schema and ``conf/`` alone."""

from collections.abc import Mapping
from typing import Any

from idc.config.schema.apps import APPS
from idc.config.schema.option import defaults
from idc.config.tree import (
    choices_of,
    chosen_tree,
    default_choices,
    groups,
    has_choice,
    known_tree,
    own_targets,
    targets_in,
)


def keys(node: Mapping[str, Any], place: str = "") -> set[str]:
    found = set()
    for key, value in node.items():
        found.add(f"{place}{key}")
        if isinstance(value, Mapping):
            found |= keys(value, f"{place}{key}.")
    return found


def test_a_choice_replaces_and_adds_to_the_schemas_defaults() -> None:
    plain = chosen_tree({})
    assert plain == defaults(APPS["train"])
    sgd = chosen_tree({"optimizer": "sgd"})
    assert sgd["optimizer"]["_target_"] == "torch.optim.SGD"
    assert "momentum" in sgd["optimizer"]
    assert "momentum" not in plain["optimizer"]
    assert chosen_tree({"optimizer": "no such choice"}) == plain


def test_several_choices_of_a_group_are_joined_and_files_below_come_first() -> None:
    methods = chosen_tree({"explain": ["gradcam", "saliency"]})["explain"]["methods"]
    assert list(methods) == ["gradcam", "saliency"]
    assert chosen_tree({"backbone": "vgg16_bn"})["backbone"]["name"] == "vgg16_bn"


def test_trees_are_not_shared() -> None:
    chosen_tree({"optimizer": "sgd"})["optimizer"]["lr"] = "changed"
    assert chosen_tree({"optimizer": "sgd"})["optimizer"]["lr"] != "changed"


def test_every_choice_of_a_training_is_among_the_known_keys() -> None:
    known = keys(known_tree())
    for group in groups():
        for choice in choices_of(group):
            assert has_choice(group, choice)
            assert keys(chosen_tree({group: choice})) <= known, (group, choice)
    assert not has_choice("backbone", "resnet51")
    assert {"launcher", "hydra"}.isdisjoint(groups())


def test_defaults_of_each_app_are_choices_that_exist() -> None:
    for app in APPS:
        for group, choice in default_choices(app).items():
            if "hydra" not in group and choice is not None:
                chosen = choice if isinstance(choice, list) else [choice]
                assert all(has_choice(group, one) for one in chosen), (app, group)


def test_targets_are_found_at_every_depth() -> None:
    node = {"a": [{"_target_": "x"}, {"b": {"_target_": "y"}}], "_target_": "z"}
    assert dict(targets_in(node)) == {"": "z", "a[0]": "x", "a[1].b": "y"}
    assert {"torch.optim.SGD", "pytorch_lightning.Trainer"} <= own_targets()
    assert all(isinstance(target, str) for target in own_targets())


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
        assert names <= set(choices_of(group))
