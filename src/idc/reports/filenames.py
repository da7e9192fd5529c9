"""File names made of names from data."""

import re
from collections.abc import Iterable

LONGEST = 80


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """A file name's stem for each name: no two alike, and safe on every file system.

    Anything but letters, digits, dots, dashes and underscores becomes an underscore, so that no
    patient's name leads out of the folder. Names that fall together, by that or because a file
    system does not tell ``A`` from ``a``, get a number.
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
