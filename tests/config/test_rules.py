"""What passes a rule, and what null, booleans and infinities are to it."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.config.rules import (
    FLAG,
    NAME,
    SEED_LIMIT,
    TEXT,
    Rule,
    either,
    is_number,
    list_of,
    number,
    one_of,
    optional,
    text,
    whole,
)

ODD = (None, True, False, math.nan, math.inf, -math.inf, "1", [1], {})
ABOVE_0 = number(lambda v: v > 0, "a number above 0")


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_finite_numbers_are_numbers(value: float) -> None:
    assert is_number(value)
    assert ABOVE_0.holds(value) == (value > 0)


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_what_is_no_number_passes_no_rule_of_numbers(value: Any) -> None:
    assert not is_number(value)
    assert not ABOVE_0.holds(value)
    assert not whole(0).holds(value)


@given(st.integers(-10, 10), st.integers(-5, 5), st.integers(0, 5))
def test_whole_numbers_lie_in_their_range(value: int, low: int, more: int) -> None:
    assert whole(low, low + more).holds(value) == (low <= value <= low + more)
    assert not whole(low, low + more).holds(float(value))


def test_seeds_have_numpys_limit() -> None:
    assert whole(0, SEED_LIMIT).holds(2**32 - 1)
    assert not whole(0, SEED_LIMIT).holds(2**32)


def test_a_choice_is_of_its_type() -> None:
    assert one_of("auto", 1).holds(1)
    assert not one_of("auto", 1).holds(True)
    assert not FLAG.holds(1)
    assert FLAG.words == "true or false"


@pytest.mark.parametrize("rule", [whole(1), TEXT, FLAG, list_of(NAME)], ids=lambda r: r.words)
def test_optional_adds_null_alone(rule: Rule) -> None:
    assert not rule.nullable and not rule.holds(None)
    also = optional(rule)
    assert also.nullable and also.holds(None)
    assert also.choices[0] is None
    for value in (0, 1, "", "a", True, [], ["a"], [None]):
        assert also.holds(value) == rule.holds(value)


def test_either_joins_rules_words_and_choices() -> None:
    joined = either(one_of("auto"), optional(whole(1)))
    assert [joined.holds(v) for v in ("auto", 1, None, 0, "x")] == [True, True, True, False, False]
    assert joined.nullable
    assert joined.choices == ("auto", None)


def test_lists_have_a_least_length_and_rules_for_each() -> None:
    rule = list_of(whole(0), least=1)
    assert rule.holds([0, 1])
    assert not any(rule.holds(value) for value in ([], [0, -1], (0, 1), "01", None))


def test_text_fits_as_a_whole() -> None:
    rule = text(r"cuda(:\d+)?", "a device")
    assert rule.holds("cuda:1")
    assert not rule.holds("cuda:1\n")
    assert not TEXT.holds(" \n")
    assert NAME.holds(8863)
