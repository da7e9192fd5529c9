"""Initials of readers for metric names, which everybody who opens the run can see."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

LONGEST = 3  # letters of a name that consists of initials


def metric_initials(names: Sequence[str]) -> dict[str, str]:
    """Initials of readers, of ASCII letters and digits: "Anna Müller" is AM, "AB" stays AB.

    If two readers have the same initials, or one has none in ASCII, a digest of the name is
    appended, which does not depend on the other readers.
    """
    short = {name: _initials(name) for name in names}
    counts = Counter(short.values())
    return {
        name: word if word and counts[word] == 1 else f"{word}_{_digest(name)}".lstrip("_")
        for name, word in short.items()
    }


def _initials(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words: list[str] = re.findall(r"[A-Za-z0-9]+", plain)
    if len(words) == 1 and len(words[0]) <= LONGEST and words[0].isupper():
        return words[0]
    return "".join(word[0] for word in words).upper()


def _digest(name: str) -> str:
    normalised = unicodedata.normalize("NFC", name).casefold().encode()
    return hashlib.blake2b(normalised, digest_size=3).hexdigest()
