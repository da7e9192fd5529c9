"""Digests and metadata in a run's tags, validated when they are read."""

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
    """Tags with the digests of files that later commands read.

    Args:
        folder: The folder of the files.
        names: Their paths below it; missing files are skipped.
        under: Folder of the artifacts within the run.
    """
    return {
        _digest_tag(under + name): file_digest(folder / name)
        for name in names
        if (folder / name).is_file()
    }


def _digest_tag(name: str) -> str:
    return DIGEST_TAG + NOT_IN_TAGS.sub("_", name)


def check_file(path: Path, name: str, tags: Mapping[str, str], what: str) -> Path:
    """Refuse a file that differs from what the run logged.

    Args:
        path: The file, in the run's folder or downloaded.
        name: Its path within the run.
        tags: The run's tags; a file without a logged digest is accepted.
        what: Prefix of the error message, such as ``run=ID``.

    Returns:
        The path.

    Raises:
        CheckpointError: The digest differs.
    """
    logged = tags.get(_digest_tag(name))
    if logged is not None and logged != file_digest(path):
        raise CheckpointError(
            f"{what}: {path} is damaged: its digest differs from the one that the run logged for "
            f"{name}. Restore the file from another copy."
        )
    return path


def logged_class_names(tags: Mapping[str, str], what: str) -> tuple[str, ...]:
    """Class names from a run's tags, one per class.

    Raises:
        CheckpointError: The tag is missing or invalid.
    """
    names = _parsed(tags, CLASSES_TAG, what)
    valid = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not valid or len(names) < 2:
        raise _invalid_tag(tags, CLASSES_TAG, what, "a list of two or more names")
    return tuple(names)


def logged_settings(tags: Mapping[str, str], what: str) -> dict[str, str]:
    """A job's swept values from a run's tags; empty if it was not part of a sweep.

    Raises:
        CheckpointError: The tag is invalid.
    """
    if SETTINGS_TAG not in tags:
        return {}
    settings = _parsed(tags, SETTINGS_TAG, what)
    if not isinstance(settings, dict) or not all(isinstance(v, str) for v in settings.values()):
        raise _invalid_tag(tags, SETTINGS_TAG, what, "a mapping of names to values")
    return settings


def _parsed(tags: Mapping[str, str], tag: str, what: str) -> Any:
    try:
        return json.loads(tags.get(tag, ""))
    except ValueError as error:
        raise _invalid_tag(tags, tag, what, "JSON") from error


def _invalid_tag(tags: Mapping[str, str], tag: str, what: str, expected: str) -> CheckpointError:
    return CheckpointError(
        f"{what}: the run's tag {tag} is {tags.get(tag)!r:.80}, not {expected}: it was changed, or "
        f"another program created this run. Correct it in MLflow, or choose another run."
    )
