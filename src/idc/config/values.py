"""Single values of a resolved configuration, by dotted name, and those that repeat one another."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

Config = dict[str, Any]
OF_MACHINE = {"paths"}  # not stored with a run: nothing can follow it elsewhere
# ${data.root}, ${.patch_size}, ${..slides.pixel_size}: another value and nothing else.
MIRROR = re.compile(r"\$\{(\.*)([A-Za-z_][\w.]*)\}")


def mirrors_of(cfg: DictConfig) -> dict[str, str]:
    """Which values repeat another one.

    Returns:
        Dotted place to the dotted name of the value that it follows, which follows no other.
    """
    unresolved = OmegaConf.to_container(cfg, resolve=False)
    assert isinstance(unresolved, dict)
    direct = _direct(unresolved, ())
    followed = {}
    for place, source in direct.items():
        seen = {place}
        while source in direct and source not in seen:
            seen.add(source)
            source = direct[source]
        value = look_up(unresolved, source, {})
        of_machine = {place.split(".")[0], source.split(".")[0]} & OF_MACHINE
        if source not in seen and not isinstance(value, Mapping) and not of_machine:
            followed[place] = source
    return followed


def _direct(node: Mapping[Any, Any], above: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in node.items():
        place = (*above, str(key))
        if isinstance(value, Mapping):
            found |= _direct(value, place)
        elif isinstance(value, str) and (match := MIRROR.fullmatch(value)):
            start = place[: len(place) - len(match[1])] if match[1] else ()
            found[".".join(place)] = ".".join((*start, match[2]))
    return found


def look_up(config: Mapping[Any, Any], place: str, default: Any = None) -> Any:
    """The value at a dotted place, or the default where there is none."""
    node: Any = config
    for key in place.split("."):
        if not isinstance(node, Mapping) or key not in node:
            return default
        node = node[key]
    return node


def with_values(
    config: Mapping[str, Any], values: Mapping[str, Any], mirrors: Mapping[str, str]
) -> Config:
    """A copy with other values, also where they are repeated.

    Args:
        config: A resolved configuration.
        values: Dotted place to new value.
        mirrors: Of the configuration; see `mirrors_of`. A place with a new value of its own
            follows nothing.
    """
    changed: Config = copied(config)
    for place, value in {**following(values, mirrors), **values}.items():
        *above, last = place.split(".")
        node = changed
        for key in above:
            node = node[key]
        node[last] = copied(value)
    return changed


def following(values: Mapping[str, Any], mirrors: Mapping[str, str]) -> dict[str, Any]:
    """What becomes of the places that follow others when these get new values."""
    return {place: values[source] for place, source in mirrors.items() if source in values}


def named_too(places: Collection[str], mirrors: Mapping[str, str]) -> set[str]:
    """Places, and those that follow them."""
    return {*places, *(place for place, source in mirrors.items() if source in places)}


def copied(node: Any) -> Any:
    """A copy of plain containers."""
    if isinstance(node, Mapping):
        return {key: copied(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [copied(value) for value in node]
    return node
