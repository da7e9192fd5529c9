"""What a run's tags say of its files and of itself, checked when it is read."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from idc.errors import CheckpointError
from idc.runtime.digests import file_digest

DIGEST_TAG = "idc.digest."  # followed by the file's path within the run
CLASSES_TAG = "data.class_names"
NOT_IN_TAGS = re.compile(r"[^\w./ -]", re.ASCII)
SETTINGS_TAG = "idc.settings"


def digest_tags(folder: Path, names: Iterable[str], under: str = "") -> dict[str, str]:
    """Tags with the digests of a run's files that are read back later.

    Args:
        folder: Where the files lie.
        names: Their paths below it; those that are not there are left out.
        under: Where they go within the run.
    """
    return {
        _digest_tag(under + name): file_digest(folder / name)
        for name in names
        if (folder / name).is_file()
    }


def _digest_tag(name: str) -> str:
    return DIGEST_TAG + NOT_IN_TAGS.sub("_", name)


def check_file(path: Path, name: str, tags: Mapping[str, str], what: str) -> Path:
    """Refuse a file that is not as the run logged it.

    Args:
        path: The file, in the run's folder or downloaded.
        name: Its path within the run.
        tags: The run's tags; a file that they do not know is taken as it is.
        what: Who asks, for the message.

    Returns:
        The path.

    Raises:
        CheckpointError: The digest differs.
    """
    logged = tags.get(_digest_tag(name))
    if logged is not None and logged != file_digest(path):
        raise CheckpointError(
            f"{what}: {path} is damaged: its content is not what the run logged as {name} (the "
            f"digest differs). Bring back another copy of the file."
        )
    return path


def class_names_of(tags: Mapping[str, str], what: str) -> tuple[str, ...]:
    """A name a class, as a run's tags hold them.

    Raises:
        CheckpointError: The tag is missing or nonsense.
    """
    names = _parsed(tags, CLASSES_TAG, what)
    fine = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not fine or len(names) < 2:
        raise _nonsense(tags, CLASSES_TAG, what, "a list of two or more names")
    return tuple(names)


def settings_of_run(tags: Mapping[str, str], what: str) -> dict[str, str]:
    """A job's swept values, as a run's tags hold them; empty where it was not swept.

    Raises:
        CheckpointError: The tag is nonsense.
    """
    if SETTINGS_TAG not in tags:
        return {}
    settings = _parsed(tags, SETTINGS_TAG, what)
    if not isinstance(settings, dict) or not all(isinstance(v, str) for v in settings.values()):
        raise _nonsense(tags, SETTINGS_TAG, what, "a mapping of names to values")
    return settings


def _parsed(tags: Mapping[str, str], tag: str, what: str) -> Any:
    try:
        return json.loads(tags.get(tag, ""))
    except ValueError as error:
        raise _nonsense(tags, tag, what, "JSON") from error


def _nonsense(tags: Mapping[str, str], tag: str, what: str, words: str) -> CheckpointError:
    return CheckpointError(
        f"{what}: the run's tag {tag} is {tags.get(tag)!r:.80}, not {words}: it was changed, or "
        f"something else made this run. Set it right in MLflow, or take another run."
    )
