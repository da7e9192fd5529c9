"""Texts that are shared by figures, pages and messages."""

from idc.text import listing


def test_names_are_joined() -> None:
    assert listing([]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert listing(["a", "b", "c", "d"], 2) == "a, b and 2 more"
