"""Names that MLflow takes, for names that come from data: no two of them fall together."""

import hashlib
import posixpath
import re

ALLOWED = re.compile(r"[^\w.: /-]", re.ASCII)
LONGEST = 250  # characters
DIGEST = 4  # bytes: of a thousand names that are cleaned alike, two collide once in ten thousand


def entity_name(name: str) -> str:
    """The name of a metric, a parameter or a tag; one that MLflow takes stays as it is.

    Letters outside ASCII and other characters become ``_``, and so does what would make a path
    ambiguous (``a//b``, ``../a``). A digest of the whole name follows then, so that the patients
    患者一 and 患者二 stay two.
    """
    clean = ALLOWED.sub("_", name)
    if not clean or posixpath.normpath(clean) != clean or clean.startswith(("..", "/")):
        clean = re.sub(r"^\.+|/", "_", clean)
    if clean == name and len(name) <= LONGEST and name != ".":
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=DIGEST).hexdigest()
    return f"{clean[: LONGEST - len(digest) - 1]}_{digest}"
