"""What every data set gives to the rest of the project."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

INDEX_COLUMNS = ("path", "label", "group", "x", "y")


@dataclass(frozen=True)
class Pixels:
    """The pixels of an index, row for row.

    Attributes:
        patches: uint8 array (N, P, P, 3), RGB. Rows that could not be read hold zeros.
        readable: bool array (N,), False where the file could not be used and is to be dropped.
        notes: What was done to which files, such as ``"padded 50x42 to 50x50": 12``.
        fingerprint: Hex digest of all the pixels and labels: the identity of the data.
    """

    patches: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    notes: dict[str, int] = field(default_factory=dict)
    fingerprint: str = ""


class Source(Protocol):
    """A data set: a cheap look at what is there, and an expensive read of its pixels."""

    name: str
    class_names: tuple[str, ...]
    patch_size: int

    def scan(self) -> pd.DataFrame:
        """List the patches without reading them.

        Returns:
            The index, a row a patch: ``path`` (str, relative to the root), ``label`` (int64,
            0..k-1), ``group`` (str, the patient), ``x`` and ``y`` (int64, the patch's corner on
            the slide, in pixels), in an order that does not depend on the file system.

        Raises:
            DataError: There is nothing to read, or names and folders contradict one another.
        """
        ...

    def read(self, index: pd.DataFrame) -> Pixels:
        """Read the pixels of an index that `scan` gave.

        Raises:
            DataError: A file is unusable and the configuration says to stop for it.
        """
        ...


def fingerprint(patches: NDArray[np.uint8], index: pd.DataFrame) -> str:
    """Digest of labels, groups, positions and pixels: the same data give the same 16 hex digits."""
    import hashlib

    digest = hashlib.blake2b(digest_size=8)
    facts = index[["label", "group", "x", "y"]]
    digest.update(pd.util.hash_pandas_object(facts, index=False).to_numpy().tobytes())
    digest.update(np.ascontiguousarray(patches).data)
    return digest.hexdigest()
