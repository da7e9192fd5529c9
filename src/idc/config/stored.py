"""What a checkpoint says of its run: somebody else's data, checked as a whole before any use."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from idc.config.buildable import check_targets, parameter_names
from idc.config.schema.apps import part_names
from idc.config.tree import chosen_tree, groups, has_only_choices, known_tree
from idc.config.values import look_up
from idc.errors import CheckpointError

log = logging.getLogger(__name__)

Config = dict[str, Any]
PLACE = "idc"  # in a checkpoint's content
CHOICES = "choices"
# Never read from a stored configuration.
OF_THE_MOMENT = {"paths", "launcher", "search", "experiment", "logger"}
# Whose keys are names that a user gives, or that a library knows.
OPEN = ("explain.methods", "optimizer", "scheduler")
# Of its parameters: what a stored configuration has no business to set.
NOT_STORED = {"callbacks", "logger", "plugins", "profiler", "model_registry", "default_root_dir"}
REFERENCE = re.compile(r"\$\{([\w.]+)\}")
MANDATORY = "???"  # as Hydra marks what has no default
HISTORY = 4  # epoch, stage, metric, value
MOST_VALUES, DEEPEST = 100_000, 30  # a pickle may hold containers that hold themselves
SPLITS = re.compile(r"(train|val|test|unused)(\+(train|val|test|unused))*")


@dataclass(frozen=True)
class Origin:
    """Where weights come from.

    Attributes:
        config: The run's resolved configuration, plain values, with its groups' ``choices``.
        mirrors: Values that repeat another: dotted place to the dotted name that it follows.
        run_id: The MLflow run, or None.
        splits: Patient to the split that it was in.
        split: The identity of the split.
        fingerprint: The identity of the data.
    """

    config: Config
    mirrors: Mapping[str, str]
    run_id: str | None
    splits: Mapping[str, str]
    split: str
    fingerprint: str


def of_the_moment(place: str) -> bool:
    """Whether a place holds something that a training is given each time anew, and never stored.

    These are loggers, callbacks of the user's, and the trainer's plugins: objects of any class,
    which nobody should have to build to use somebody else's run.
    """
    part, _, rest = place.partition(".")
    name = rest.partition(".")[0]
    if part == "callbacks":
        return bool(name) and f"{part}.{name}" not in part_names()
    return part == "logger" or (part == "trainer" and name in NOT_STORED)


def storable(config: Config) -> Config:
    """What of a training's configuration travels with its weights; see `of_the_moment`."""
    return _only(config, lambda place: not of_the_moment(place))


def with_moment(then: Config, now: Config) -> Config:
    """A stored configuration with what the command line gives anew; see `of_the_moment`."""
    anew = _only({part: now[part] for part in ("callbacks", "trainer")}, of_the_moment)
    more = {part: {**then[part], **node} for part, node in anew.items()}
    return {**then, **more, "logger": now["logger"]}


def _only(config: Config, keeps: Callable[[str], bool]) -> Config:
    """The parts that hold something of the moment with those of their values that pass."""
    return {
        part: {key: value for key, value in node.items() if keeps(f"{part}.{key}")}
        if part in ("callbacks", "trainer") and isinstance(node, dict)
        else node
        for part, node in config.items()
        if part != "logger"
    }


def read_origin(content: Mapping[str, Any], now: Config, what: str) -> Origin:
    """The part of a checkpoint that says where it comes from.

    Nothing of it is resolved, looked up in this machine's environment or imported: values are
    plain, keys are those of ``conf/``, and what may be built is a fixed set; see
    `idc.config.buildable`.

    Args:
        content: What was loaded from the file.
        now: The configuration that the command line composed, which is trusted.
        what: Who asks and the file's path, for the message.

    Raises:
        CheckpointError: Names the field.
    """
    origin = content.get(PLACE)
    if not isinstance(origin, Mapping):
        raise CheckpointError(
            f"{what} is no checkpoint of an idc run: it {_says(PLACE, content)}, not a mapping. "
            f"Give best.ckpt or last.ckpt of a run's folder."
        )

    def part(name: str, kind: type, words: str) -> Any:
        if not isinstance(value := origin.get(name), kind):
            raise CheckpointError(f"{what}: {PLACE} {_says(name, origin)}, not {words}.")
        return value

    config = part("config", dict, "the run's configuration")
    _check_plain(config, what)
    choices = config.get(CHOICES)
    if not isinstance(choices, dict):
        raise CheckpointError(f"{what}: {PLACE}.config {_says(CHOICES, config)}, not a mapping.")
    check_targets(config, now, what)
    config = _completed(config, what)
    for problem in _misfits(config):
        raise CheckpointError(
            f"{what}: the run's configuration {problem}. It was made by another version of idc, or "
            f"is damaged."
        )
    mirrors = part("mirrors", dict, "a mapping")
    for place, source in mirrors.items():
        if not (_is_value(config, place) and _is_value(config, source)) or source in mirrors:
            raise CheckpointError(f"{what}: {PLACE}.mirrors: {place!r} cannot follow {source!r}.")
    for row in part("history", list, "the course of training"):
        if not isinstance(row, list) or len(row) != HISTORY:
            raise CheckpointError(f"{what}: {PLACE}.history holds {row!r:.80}, not a metric.")
    splits = part("splits", dict, "a mapping of patients to splits")
    for patient, split in splits.items():
        if not isinstance(patient, str) or not SPLITS.fullmatch(str(split)):
            raise CheckpointError(f"{what}: {PLACE}.splits: {patient!r} is in {split!r:.80}.")
    run_id = origin.get("run_id")
    if run_id is not None and not isinstance(run_id, str):
        raise CheckpointError(f"{what}: {PLACE} {_says('run_id', origin)}, not an id.")
    return Origin(
        config,
        mirrors,
        run_id,
        splits,
        part("split", str, "a digest"),
        part("fingerprint", str, "a digest"),
    )


def _says(name: str, node: Mapping[str, Any]) -> str:
    if name not in node:
        return f"lacks {name!r}"
    return f"holds a {type(node[name]).__name__} as {name!r}"


def _is_value(config: Config, place: Any) -> bool:
    """Whether a dotted place is that of a value which is not Hydra's."""
    node: Any = config
    for key in str(place).split("."):
        if key.startswith("_") or not isinstance(node, dict) or key not in node:
            return False
        node = node[key]
    return not isinstance(node, dict)


def _check_plain(config: Config, what: str) -> None:
    """Refuse what is more than containers, numbers and strings, and what would be resolved."""
    for number, (place, value) in enumerate(_leaves(config)):
        if number == MOST_VALUES:
            raise CheckpointError(f"{what}: the run's configuration has no end.")
        if value is not None and type(value) not in (str, int, float, bool):
            raise CheckpointError(
                f"{what}: {place} holds a {type(value).__name__}, which is no plain value."
            )
        if isinstance(value, str) and ("${" in value or value == "???"):
            raise CheckpointError(
                f"{what}: {place} is {value!r:.80}: a stored configuration holds plain values, and "
                f"nothing in it is resolved on this machine. An older version of idc made it "
                f"(train again, or use that version), or somebody changed it."
            )


def _leaves(node: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > DEEPEST:
        yield place, node
    elif type(node) is dict:
        for key, value in node.items():
            yield f"a key of {place or 'it'}", key
            yield from _leaves(value, f"{place}.{key}" if place else str(key), depth + 1)
    elif type(node) in (list, tuple):
        for number, value in enumerate(node):
            yield from _leaves(value, f"{place}[{number}]", depth + 1)
    else:
        yield place, node


def _completed(config: Config, what: str) -> Config:
    """The configuration with the defaults of options that came after the run, which it lacks."""
    completed, needed = deepcopy(config), storable(chosen_tree(config[CHOICES]))
    # A part that the run had and lacks now is damaged; what is of the moment is never stored.
    damaged = (config[CHOICES].keys() | OF_THE_MOMENT) - config.keys()
    added = dict(_fill(completed, {k: v for k, v in needed.items() if k not in damaged}))
    for place, node in added.items():
        above, _, last = place.rpartition(".")
        if isinstance(node[last], str) and (match := REFERENCE.fullmatch(node[last])):
            name = f"{above}{match[1]}" if match[1].startswith(".") else match[1]
            node[last] = look_up(completed, name, MANDATORY)
        if node[last] == MANDATORY:
            del node[last]
    if added:
        names = ", ".join(added)
        log.info("%s: made before these options, which take their defaults: %s", what, names)
    return completed


def _fill(node: Config, defaults: Config, above: str = "") -> Iterator[tuple[str, Config]]:
    """Give a mapping the defaults that it lacks; the place of each, and the mapping it is in."""
    for key, default in defaults.items():
        place = f"{above}.{key}" if above else key
        is_node = isinstance(default, dict)
        if key not in node:
            node[key] = {} if is_node else default
            if not is_node:
                yield place, node
        if is_node and isinstance(node[key], dict) and place not in OPEN:
            yield from _fill(node[key], default, place)


def _misfits(config: Config) -> Iterator[str]:
    """What a configuration lacks or has too many, against the YAML files of ``conf/``."""
    choices = config[CHOICES]
    own = {key: value for key, value in config.items() if key != CHOICES}
    known, needed = storable(known_tree()), storable(chosen_tree(choices))
    for key in own.keys() - known.keys() - OF_THE_MOMENT:
        yield f"has an unknown key {key}"
    for key in known.keys() - own.keys() - OF_THE_MOMENT:
        yield f"lacks {key}"
    foreign = {group for group in groups() if not has_only_choices(group, choices.get(group))}
    for key in own.keys() - foreign - OF_THE_MOMENT:
        yield from _compare(own[key], known[key], needed.get(key), key)


def _compare(node: Any, known: Any, needed: Any, place: str) -> Iterator[str]:
    if not isinstance(known, dict):
        if isinstance(node, dict) or (
            isinstance(known, list) and not isinstance(node, list | tuple | None)
        ):
            yield f"holds a {type(node).__name__} at {place}"
        return
    if node is None and "." in place:
        return
    if not isinstance(node, dict):
        yield f"holds a {type(node).__name__} at {place}, not a mapping"
        return
    if place not in OPEN:
        for key in _unknown(node, known, place):
            yield f"has an unknown key {place}.{key}"
        for key in (needed or {}).keys() - node.keys():
            yield f"lacks {place}.{key}"
    for key in node.keys() & known.keys():
        below = needed.get(key) if isinstance(needed, dict) else None
        yield from _compare(node[key], known[key], below, f"{place}.{key}")


def _unknown(node: Config, known: Config, place: str) -> set[str]:
    unknown = node.keys() - known.keys()
    if unknown and "_target_" in node:
        more = parameter_names(node["_target_"])
        unknown = set() if more is None else unknown - more
    return {key for key in node.keys() - known.keys() if of_the_moment(f"{place}.{key}")} | unknown
