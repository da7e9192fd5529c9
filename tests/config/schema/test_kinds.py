"""Ranges that options share, at their ends."""

from typing import Any, get_args

import pytest

from idc.config.schema import kinds


@pytest.mark.parametrize(
    ("name", "passes", "fails"),
    [
        ("Seed", (0, 2**32 - 1), (-1, 2**32)),
        ("AtLeast0", (0, 2**31 - 1), (-1, 2**31)),
        ("AtLeast1", (1,), (0, 1.0)),
        ("Positive", (1e-9, 3), (0, -1)),
        ("NotNegative", (0, 0.5), (-1e-9,)),
        ("Share", (0, 0.999), (1, -0.1)),
        ("OpenShare", (0.5,), (0, 1)),
        ("Part", (1, 0.1), (0, 1.01)),
        ("Probability", (0, 1), (-0.1, 1.1)),
        ("Batches", (0.5, 1.0, 3), (0, 0.0, 1.5, -1)),
        ("Name", ("a", 8863), ("", " ", None, [])),
        ("Device", ("auto", "cuda:1"), ("gpu", "cuda:")),
        ("Names", (["a", 1],), ([], "a", [None])),
    ],
)
def test_ends(name: str, passes: tuple[Any, ...], fails: tuple[Any, ...]) -> None:
    rule = get_args(getattr(kinds, name))[1]
    assert all(rule.holds(value) for value in passes)
    assert not any(rule.holds(value) for value in fails)
