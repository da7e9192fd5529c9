"""Digests of what is read back later: damage is to be an error, not another number."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, uint8

KEY = "digest"  # of a checkpoint's content, beside what it covers


class _Hash(Protocol):
    def update(self, data: Any, /) -> None:
        """Take in more bytes."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(content: dict[str, Any]) -> None:
    """Put into a checkpoint's content its own digest.

    It travels inside, so that it holds for every copy of the file, and a kill between two writes
    cannot part the two. It tells damage, not malice: who can change the one can change the other.

    Args:
        content: Tensors and plain containers, all that will be saved; gets the key ``digest``.
    """
    content[KEY] = content_digest(content)


def is_intact(content: Mapping[str, Any]) -> bool:
    """Whether a content that was read back has the digest that it was sealed with."""
    return content.get(KEY) == content_digest(content)


def content_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of tensors' bytes and plain values, in their order, without the key ``digest``."""
    hasher = hashlib.sha256()
    _add(hasher, {k: v for k, v in content.items() if k != KEY})
    return hasher.hexdigest()


def _add(hasher: _Hash, node: Any) -> None:
    if isinstance(node, Tensor):
        hasher.update(f"tensor {node.dtype} {tuple(node.shape)};".encode())
        hasher.update(node.detach().cpu().contiguous().reshape(-1).view(uint8).numpy())
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
