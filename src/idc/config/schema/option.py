"""How an option is declared, and what follows from a declaration: rule, default and help.

A field's annotation gives type and range, `option` the default and the meaning::

    patience: AtLeast0 | None = option(5, "epochs without a better monitor; null turns it off")

A class of them, declared with `part`, is a part of the configuration; an annotation with such a
class nests it.
"""

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from idc.config.rules import FLAG, MAPPING, TEXT, Rule, either, list_of, one_of, optional
from idc.config.values import copied

BY_CHOICE = "(by choice)"  # the files of the group have the default, or not the key at all
REQUIRED = "???"
T = TypeVar("T")


@dataclass(frozen=True)
class Option:
    """One value of the configuration.

    Attributes:
        name: Its dotted name; ``*`` stands for any name.
        rule: What it may be.
        default: Its default; `BY_CHOICE` where the files of the group have it.
        help: Its meaning, a few words.
        own: Whether the part's ``_target_`` does not take it: idc reads it itself.
    """

    name: str
    rule: Rule
    default: Any
    help: str
    own: bool


def option(default: Any = BY_CHOICE, help: str = "", *, own: bool = False) -> Any:
    """Declare an option as a field; see `Option`."""
    described = {"default": default, "help": help, "own": own}
    return field(default_factory=lambda: copied(default), metadata=described)


def part(kind: type[T]) -> type[T]:
    """Declare a part of the configuration: a class of options and of other parts.

    No objects are made of it, so what a dataclass does for these would only cost time at start.
    """
    return dataclass(init=False, repr=False, eq=False)(kind)


def options(kind: type, place: str = "") -> Iterator[Option]:
    """Every option of a part, at every depth, in order; `place` is its dotted name and a dot."""
    for one, hint in _fields(kind):
        name = f"{place}{one.name}"
        if (inner := _part_in(hint)) is not None:
            yield from options(inner, f"{name}.")
            continue
        described = one.metadata
        yield Option(name, _rule(hint), described["default"], described["help"], described["own"])
        if (inner := _part_in(*get_args(hint))) is not None:
            yield from options(inner, f"{name}.*.")


def parts(kind: type, place: str = "") -> Iterator[tuple[str, type]]:
    """Every part of a part, at every depth: its dotted name and its class."""
    for one, hint in _fields(kind):
        if (inner := _part_in(hint)) is not None:
            yield f"{place}{one.name}", inner
            yield from parts(inner, f"{place}{one.name}.")


def defaults(kind: type) -> dict[str, Any]:
    """The defaults of a part as plain containers, without those that a choice has."""
    found: dict[str, Any] = {}
    for one, hint in _fields(kind):
        if (inner := _part_in(hint)) is not None:
            found[one.name] = defaults(inner)
        elif (default := one.metadata["default"]) is not BY_CHOICE:
            found[one.name] = copied(default)
    return found


@cache
def _fields(kind: type) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple((one, hints[one.name]) for one in fields(kind))


def _part_in(*hints: Any) -> type | None:
    return next((hint for hint in hints if isinstance(hint, type) and is_dataclass(hint)), None)


def _rule(hint: Any) -> Rule:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        rule = arguments[1]
        assert isinstance(rule, Rule)
        return rule
    if origin is Literal:
        return one_of(*arguments)
    if origin in (Union, UnionType):
        rules = [_rule(one) for one in arguments if one is not NoneType]
        rule = either(*rules) if len(rules) > 1 else rules[0]
        return optional(rule) if NoneType in arguments else rule
    if origin is list:
        return list_of(_rule(arguments[0]))
    return MAPPING if origin is dict else {bool: FLAG, str: TEXT, dict: MAPPING}[hint]
