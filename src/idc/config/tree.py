"""The YAML files of ``conf/`` as plain data, without Hydra: which keys there are, and where."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from idc.config.conf_dir import conf_dir

APP = "train"
GLOBAL = "# @package _global_"
NOT_STORED = ("hydra", "launcher")  # of the moment that launches a run, not of the run
Tree = dict[str, Any]


@cache
def _file(name: str) -> tuple[Tree, list[str], bool]:
    """A file's own content, the files of its group that it builds on, and if it is global."""
    text = (conf_dir() / f"{name}.yaml").read_text(encoding="utf-8")
    content: Tree = yaml.safe_load(text) or {}
    defaults = content.pop("defaults", [])
    below = [d for d in defaults if isinstance(d, str) and d != "_self_"]
    return content, below, text.startswith(GLOBAL)


@cache
def groups() -> tuple[str, ...]:
    """The groups that a training chooses from."""
    content = yaml.safe_load((conf_dir() / f"{APP}.yaml").read_text(encoding="utf-8"))
    named = [next(iter(d)) for d in content["defaults"] if isinstance(d, Mapping)]
    return tuple(name for name in named if name not in NOT_STORED)


def has_choice(group: str, choice: str) -> bool:
    """Whether a group of ``conf/`` has this choice."""
    return choice in _choices(group)


@cache
def _choices(group: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (conf_dir() / group).glob("*.yaml")))


def chosen_tree(choices: Mapping[str, Any]) -> Tree:
    """What a training has of these choices, as far as ``conf/`` knows them.

    Args:
        choices: Group to choice, or to a list of them.
    """
    tree = _copy(_file(APP)[0])
    for group in groups():
        chosen = choices.get(group)
        for choice in chosen if isinstance(chosen, list) else [chosen]:
            if isinstance(choice, str) and has_choice(group, choice):
                _add_choice(tree, group, choice)
    return tree


@cache
def known_tree() -> Tree:
    """All keys that a training can have: those of every choice of every group."""
    tree = _copy(_file(APP)[0])
    for group in groups():
        for choice in _choices(group):
            _add_choice(tree, group, choice)
    return tree


@cache
def own_targets() -> frozenset[str]:
    """The names that the groups of ``conf/`` call, and those of the training's own file."""
    files = [APP, *(f"{group}/{choice}" for group in groups() for choice in _choices(group))]
    return frozenset(target for name in files for _, target in targets_in(_file(name)[0]))


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
            into.setdefault(key, value)


def _copy(tree: Mapping[str, Any]) -> Tree:
    copied: Tree = {}
    _merge(copied, tree)
    return copied
