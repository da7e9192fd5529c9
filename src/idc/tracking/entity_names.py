"""Names from data as unique names that MLflow accepts."""

import hashlib
import posixpath
import re

ALLOWED = re.compile(r"[^\w.: /-]", re.ASCII)
LONGEST = 250  # characters
DIGEST = 4  # bytes: a thousand names that clean up alike collide with probability 1e-4


def entity_name(name: str) -> str:
    """Name for a metric, parameter or tag; a name that MLflow accepts stays as it is.

    Other characters become ``_``, as does anything that makes a path ambiguous (``a//b``,
    ``../a``). A digest of the whole name is then appended, so that the patients 患者一 and 患者二
    remain distinct.
    """
    clean = ALLOWED.sub("_", name)
    if not clean or posixpath.normpath(clean) != clean or clean.startswith(("..", "/")):
        clean = re.sub(r"^\.+|/", "_", clean)
    if clean == name and len(name) <= LONGEST and name != ".":
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=DIGEST).hexdigest()
    return f"{clean[: LONGEST - len(digest) - 1]}_{digest}"
