"""The schema and the YAML files of ``conf/`` as plain data, without Hydra: which keys there are."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from idc.config.schema.apps import APPS
from idc.config.schema.option import defaults
from idc.config.values import copied

TRAIN = "train"
GLOBAL = "# @package _global_"
NOT_STORED = ("hydra", "launcher", "search")  # of the moment that launches a run, not of the run
Tree = dict[str, Any]


def conf_dir() -> Path:
    """The folder with ``train.yaml``: in an installed package inside it, in a clone beside it."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parents[1] / "conf"


@cache
def _file(name: str) -> tuple[Tree, list[Any], bool]:
    """A file's own content, its defaults list, and whether it is global."""
    text = (conf_dir() / f"{name}.yaml").read_text(encoding="utf-8")
    content: Tree = yaml.safe_load(text) or {}
    return content, content.pop("defaults", []), text.startswith(GLOBAL)


@cache
def default_choices(app: str) -> Mapping[str, str | None]:
    """The groups that an app chooses from, and its choices."""
    return {
        group: choice
        for entry in _file(app)[1]
        if isinstance(entry, Mapping)
        for group, choice in entry.items()
    }


@cache
def groups() -> tuple[str, ...]:
    """The groups that a training chooses from and stores."""
    return tuple(name for name in default_choices(TRAIN) if name not in NOT_STORED)


def has_choice(group: str, choice: str) -> bool:
    """Whether a group of ``conf/`` has this choice."""
    return choice in choices_of(group)


def has_only_choices(group: str, chosen: Any) -> bool:
    """Whether what is chosen of a group, if anything, are choices of ``conf/``."""
    some = chosen if isinstance(chosen, list) else [chosen]
    return all(one is None or has_choice(group, str(one)) for one in some)


@cache
def choices_of(group: str) -> tuple[str, ...]:
    """The choices of a group."""
    return tuple(sorted(path.stem for path in (conf_dir() / group).glob("*.yaml")))


def chosen_tree(choices: Mapping[str, Any], app: str = TRAIN) -> Tree:
    """What an app has of these choices (or lists of them), as far as ``conf/`` knows them."""
    tree = defaults(APPS[app])
    for group in default_choices(app):
        chosen = choices.get(group)
        for choice in chosen if isinstance(chosen, list) else [chosen]:
            if isinstance(choice, str) and has_choice(group, choice):
                _add_choice(tree, group, choice)
    return tree


@cache
def known_tree() -> Tree:
    """All keys that a training can have: those of every choice of every group."""
    tree = defaults(APPS[TRAIN])
    for group in groups():
        for choice in choices_of(group):
            _add_choice(tree, group, choice)
    return tree


@cache
def own_targets() -> frozenset[str]:
    """The names that the schema of a training and the groups of ``conf/`` call."""
    files = [f"{group}/{choice}" for group in groups() for choice in choices_of(group)]
    called = [defaults(APPS[TRAIN]), *(_file(name)[0] for name in files)]
    return frozenset(target for node in called for _, target in targets_in(node))


def targets_in(node: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every ``_target_`` of plain data, at every depth: its place and what it says."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield place, node["_target_"]
        for key, value in node.items():
            yield from targets_in(value, f"{place}.{key}" if place else str(key))
    elif isinstance(node, list | tuple):
        for number, value in enumerate(node):
            yield from targets_in(value, f"{place}[{number}]")


def _add_choice(tree: Tree, group: str, choice: str) -> None:
    content, below, is_global = _file(f"{group}/{choice}")
    for name in below:
        if isinstance(name, str) and name != "_self_":
            _add_choice(tree, group, name)
    _merge(tree if is_global else tree.setdefault(group, {}), content)


def _merge(into: Tree, more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping):
            node = into.get(key)
            if not isinstance(node, dict):
                node = into[key] = {}
            _merge(node, value)
        else:
            into[key] = copied(value)
