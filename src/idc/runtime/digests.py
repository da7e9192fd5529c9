"""Digests of files and checkpoints, so that damage is an error and not another number."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, uint8

KEY = "digest"  # of a checkpoint's content


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(content: dict[str, Any]) -> None:
    """Add the digest of a checkpoint's content to the content itself.

    As it is stored inside, it is valid for every copy of the file, and a kill between two writes
    cannot separate the two. It detects damage, not tampering.

    Args:
        content: Everything that will be saved, tensors and plain containers; receives the key
            ``digest``.
    """
    content[KEY] = content_digest(content)


def is_intact(content: Mapping[str, Any]) -> bool:
    """Whether content that was read back matches the digest added by `seal`."""
    return content.get(KEY) == content_digest(content)


def content_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of tensors' bytes and plain values, in order, without the key ``digest``."""
    hasher = hashlib.sha256()
    _add(hasher, {k: v for k, v in content.items() if k != KEY})
    return hasher.hexdigest()


def _add(hasher: "hashlib._Hash", node: Any) -> None:
    if isinstance(node, Tensor):
        hasher.update(f"tensor {node.dtype} {tuple(node.shape)};".encode())
        hasher.update(node.detach().cpu().contiguous().reshape(-1).view(uint8).numpy().data)
    elif isinstance(node, Mapping):
        hasher.update(f"mapping {len(node)};".encode())
        for key, value in node.items():
            _add(hasher, key)
            _add(hasher, value)
    elif isinstance(node, list | tuple):
        hasher.update(f"sequence {len(node)};".encode())
        for value in node:
            _add(hasher, value)
    else:
        text = repr(node).encode("utf-8", "backslashreplace")
        hasher.update(f"value {len(text)};".encode())
        hasher.update(text)
