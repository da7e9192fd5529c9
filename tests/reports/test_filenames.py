"""File names derived from names in the data."""

import re

from idc.reports.filenames import safe_names


def test_file_names_are_safe_and_differ() -> None:
    names = ["../../etc/passwd", "a/b", "a_b", "A_B", "", "..", "8863", "ü", "x" * 300, "a_b-2"]
    stems = safe_names(names)
    assert list(stems) == names
    assert stems["8863"] == "8863"
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", s) for s in stems.values())
    assert len({s.lower() for s in stems.values()}) == len(names)
    assert max(map(len, stems.values())) <= 90
