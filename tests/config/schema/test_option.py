"""A declared part becomes options, rules and defaults."""

from typing import Annotated, Any, Literal

import pytest

from idc.config.rules import whole
from idc.config.schema.option import BY_CHOICE, defaults, option, options, part, parts


@part
class Inner:
    size: Annotated[int, whole(1)] = option(3, "how large")
    way: Literal["up", "down"] | None = option(None, "where", own=True)


@part
class Outer:
    names: list[str] = option([], "their names")
    loose: dict[str, Any] = option(help="anything")
    inner: Inner
    many: dict[str, Inner] = option({}, "by name")


def test_options_have_dotted_names_in_order() -> None:
    found = {one.name: one for one in options(Outer)}
    assert list(found) == [
        *("names", "loose", "inner.size", "inner.way", "many", "many.*.size", "many.*.way"),
    ]
    assert found["inner.size"].default == 3
    assert found["inner.size"].help == "how large"
    assert found["loose"].default == BY_CHOICE
    assert [name for name, one in found.items() if one.own] == ["inner.way", "many.*.way"]


@pytest.mark.parametrize(
    ("name", "passes", "fails"),
    [
        ("names", (["a"], []), ("a", [1], None)),
        ("loose", ({}, {"a": 1}), ([], None)),
        ("inner.size", (1, 2), (0, None, True, 1.0)),
        ("inner.way", ("up", None), ("left", False)),
    ],
)
def test_annotations_are_rules(name: str, passes: tuple[Any, ...], fails: tuple[Any, ...]) -> None:
    (rule,) = (one.rule for one in options(Outer) if one.name == name)
    assert all(rule.holds(value) for value in passes)
    assert not any(rule.holds(value) for value in fails)


def test_defaults_are_nested_and_each_their_own() -> None:
    expected = {"names": [], "inner": {"size": 3, "way": None}, "many": {}}
    assert defaults(Outer) == expected
    defaults(Outer)["names"].append("changed")
    assert defaults(Outer) == expected


def test_parts_are_named() -> None:
    assert dict(parts(Outer)) == {"inner": Inner}
