"""Where a store lies and what it consists of.

A store is a folder with ``store.json``, which names the two files that hold the data: an ``.npy``
array of patches and a Parquet index. New data get new names, and ``store.json`` is replaced in one
step, so that a reader sees the old store or the new one, never half of either.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from idc.data.sources.base import Source
from idc.data.sources.tree import NEVER, FileTree, NotRead
from idc.errors import DataError, first_line
from idc.runtime.atomic import write_text

FORMAT = 5
DESCRIPTION = "store.json"
BUILDING = "building"
LOCK = ".lock"


@dataclass(frozen=True)
class Description:
    """What ``store.json`` says."""

    patches: str  # name of the array's file
    index: str  # name of the index's file
    index_bytes: int  # size of the index's file
    count: int  # number of patches
    patch_size: int  # side of a patch in pixels
    fingerprint: str  # identity of the data; see `idc.data.facts.fingerprint`
    limits: dict[str, float]  # of the audit
    directories: dict[str, int]  # folders below the root: their last change, ns since 1970
    not_read: tuple[NotRead, ...] = ()  # what the index has no row for; see `Scan`
    ignored: dict[str, int] = field(default_factory=dict)  # left out on purpose: how many files
    source: dict[str, Any] = field(default_factory=dict)  # name and options of the set
    format: int = FORMAT


def options(source: Source) -> dict[str, Any]:
    """What the pixels of a source depend on, beside its files."""
    return {"name": source.name, "patch_size": source.patch_size, **source.options}


def store_folder(stores: Path, source: Source) -> Path:
    """The folder of a source's store: one for each root and set of options.

    Args:
        stores: The folder that holds all stores.
        source: A source with a root.
    """
    assert source.root is not None
    key = json.dumps({**options(source), "root": str(source.root.resolve())}, sort_keys=True)
    return stores / f"{source.name}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"


def read_description(folder: Path) -> Description | None:
    """What lies in a folder, or None where there is no store of this format.

    Raises:
        DataError: ``store.json`` cannot be read.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("format") != FORMAT:
            return None
        passed = [
            NotRead(**{**some, "examples": tuple(some["examples"])}) for some in content["not_read"]
        ]
        return Description(**{**content, "not_read": tuple(passed)})
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"store: {path} cannot be read ({first_line(error)}). Remove the folder "
            f"{folder}; it is built anew from the patches."
        ) from error


def write_description(folder: Path, description: Description) -> None:
    """Make a store's files the current ones, in one step, and remove those before them."""
    write_text(folder / DESCRIPTION, json.dumps(asdict(description), indent=1))
    for path in [*folder.glob("patches-*.npy"), *folder.glob("index-*.parquet")]:
        if path.name not in (description.patches, description.index):
            path.unlink()  # those who have it open keep it


def unchanged(root: Path, times: Mapping[str, int]) -> bool:
    """Whether all folders are as they were when they were listed, without listing any.

    A file that comes, goes or is renamed changes its folder's time; one that is written over in
    place does not, and is found only by looking at each.

    Args:
        root: The source's root.
        times: See `idc.data.sources.base.Scan`.
    """
    now = FileTree(root)
    for name in times:
        now.note_time(name)
    return bool(times) and NEVER not in times.values() and now.folders == times
