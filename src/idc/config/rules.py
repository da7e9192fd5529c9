"""Rules for single values: a test, and the words for what passes it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

WHOLE_LIMIT = 2**31 - 1  # of counts; more is a slip, and overflows somewhere
SEED_LIMIT = 2**32 - 1  # NumPy's, and so Lightning's


@dataclass(frozen=True)
class Rule:
    """What a value must be.

    Attributes:
        holds: Whether a value passes.
        words: What passes, to follow "give".
        nullable: Whether null passes.
        choices: The values that pass, where they can be listed; or some of them.
    """

    holds: Callable[[Any], bool]
    words: str
    nullable: bool = False
    choices: tuple[Any, ...] = ()


def is_number(value: object) -> bool:
    """Whether a value is a finite number; true and false are none."""
    finite = isinstance(value, int | float) and -1e308 < value < 1e308
    return finite and not isinstance(value, bool)


def number(test: Callable[[float], bool], words: str) -> Rule:
    """A finite number that passes a test."""
    return Rule(lambda v: is_number(v) and test(v), words)


def whole(low: int, high: int = WHOLE_LIMIT) -> Rule:
    """A whole number from `low` to `high`."""
    words = f"a whole number of {low} or more"
    if high < WHOLE_LIMIT or high == SEED_LIMIT:
        words = f"a whole number from {low} to {high}"
    return Rule(
        lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high, words
    )


def one_of(*choices: object) -> Rule:
    """One of some values; 1 is not true."""
    shown = " or ".join(str(c).lower() if isinstance(c, bool) else str(c) for c in choices)
    return Rule(
        lambda v: any(type(v) is type(c) and v == c for c in choices), shown, choices=choices
    )


def optional(rule: Rule) -> Rule:
    """The same, or null."""
    words = f"null or {rule.words}"
    return Rule(lambda v: v is None or rule.holds(v), words, True, (None, *rule.choices))


def either(*rules: Rule) -> Rule:
    """What passes one of some rules."""
    words = " or ".join(rule.words for rule in rules)
    nullable = any(rule.nullable for rule in rules)
    choices = tuple(choice for rule in rules for choice in rule.choices)
    return Rule(lambda v: any(rule.holds(v) for rule in rules), words, nullable, choices)


def list_of(rule: Rule, least: int = 0) -> Rule:
    """A list of `least` or more that each pass a rule."""
    return Rule(
        lambda v: isinstance(v, list) and len(v) >= least and all(map(rule.holds, v)),
        f"a list, [a,b], of which each is {rule.words}",
        choices=tuple([choice] for choice in rule.choices),
    )


def text(pattern: str, words: str) -> Rule:
    """A text that a regular expression fits as a whole."""
    fits = re.compile(pattern, re.DOTALL)
    return Rule(lambda v: isinstance(v, str) and bool(fits.fullmatch(v)), words)


TEXT = text(r".*\S.*", "a text that is not empty")
FLAG = one_of(True, False)
# YAML takes a name such as 8863 for a number.
NAME = either(TEXT, Rule(is_number, "a number"))
MAPPING = Rule(lambda v: isinstance(v, Mapping), "a mapping")
