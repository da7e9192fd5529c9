"""File names derived from names in the data."""

import re
from collections.abc import Iterable

LONGEST = 80


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Map each name to a unique file name stem that is valid on every file system.

    Characters other than letters, digits, dots, dashes and underscores become an underscore, so
    that no name leads out of the folder. Names that collide, also on file systems that ignore case,
    get a number.
    """
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip(".")[:LONGEST] or "_"
        unique, number = stem, 2
        while unique.lower() in taken:
            unique, number = f"{stem}-{number}", number + 1
        taken.add(unique.lower())
        stems[name] = unique
    return stems
