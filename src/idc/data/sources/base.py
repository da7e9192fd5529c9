"""What every data set gives to the rest of the project."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FILE_FACTS = ("width", "height", "mode", "format", "bytes", "mtime", "hash", "problem")


@dataclass(frozen=True)
class Pixels:
    """The pixels of an index and what is known of the files, row for row.

    Attributes:
        patches: uint8 array (N, P, P, 3), RGB. Rows that could not be read hold zeros.
        facts: ``width`` and ``height`` (int32, pixels, as in the file), ``mode`` (str, such as
            ``8-bit RGB``), ``format`` (str, as Pillow names what the bytes are: ``PNG``,
            ``JPEG``; "" where there is no file), ``bytes`` (int64), ``mtime`` (int64, ns),
            ``hash`` (str, sha256 of the file in hex, "" where there is no file) and ``problem``
            (str: why the file could not be decoded, else "").
    """

    patches: NDArray[np.uint8]
    facts: pd.DataFrame


@dataclass(frozen=True)
class Known:
    """What is published of a data set, to tell a part of it from the whole.

    Attributes:
        per_class: Patches of each class, in the order of the labels.
        groups: Patients.
    """

    per_class: tuple[int, ...]
    groups: int


@dataclass(frozen=True)
class NotRead:
    """Files below a data set's root that no row of its index stands for.

    Attributes:
        why: Why they are not read: what they are, or where they lie.
        files: How many there are.
        examples: Paths of a few, relative to the root, as they can be printed.
    """

    why: str
    files: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = ", ..." if self.files > len(self.examples) else ""
        named = f" ({', '.join(self.examples)}{more})" if self.examples else ""
        return f"{self.files:,} x {self.why}{named}"

    def without_names(self) -> "NotRead":
        """The same without the paths, in which patients' names stand."""
        return replace(self, examples=())


@dataclass(frozen=True)
class Scan:
    """What lies below a data set's root.

    Attributes:
        index: A row a patch: ``path`` (str, relative to the root), ``label`` (int64, 0..k-1, or
            -1 where the name does not say), ``group`` (str, the patient), ``x`` and ``y`` (int64,
            the patch's corner on the slide, in pixels), ``checks`` (str: findings about the name,
            joined by commas; see `idc.data.audit.findings`), in an order that does not depend on
            the file system.
        not_read: Everything else that should not be there: the finding ``not_read``.
        ignored: What is left out on purpose, such as hidden files, to how many there are.
        folders: Each folder that was listed, relative to the root ("." for the root), to when it
            was last changed, in ns since 1970: a store is current as long as this holds. Empty for
            a set that has no files.
    """

    index: pd.DataFrame
    not_read: tuple[NotRead, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    folders: Mapping[str, int] = field(default_factory=dict)


class Source(Protocol):
    """A data set: a cheap look at what is there, and an expensive read of its pixels.

    Attributes:
        name: Short name of the set.
        class_names: A name a class, in the order of the labels.
        patch_size: Side of a patch that `read` gives, in pixels.
        root: The folder of its files, or None for a set that is drawn and has none.
        known: What is published of the whole set, or None.
        options: What else the index or the pixels depend on: a store is kept for each.
    """

    name: str
    class_names: tuple[str, ...]
    patch_size: int
    root: Path | None
    known: Known | None
    options: Mapping[str, str | int | float | None]

    def scan(self) -> Scan:
        """List the patches without reading them, and count what is no patch.

        Raises:
            DataError: There is nothing to read.
        """
        ...

    def read(self, index: pd.DataFrame) -> Pixels:
        """Read the pixels of any rows of an index that `scan` gave.

        A file that cannot be decoded is told of in the facts, not raised.
        """
        ...


@runtime_checkable
class KnowsTruth(Protocol):
    """A data set that knows where in a patch the signal is, as one that is drawn does."""

    def truth(self, index: pd.DataFrame) -> NDArray[np.bool_]:
        """The pixels that make a patch what it is.

        Args:
            index: Any rows of an index that `Source.scan` gave.

        Returns:
            bool (n, P, P): the tumour nuclei; none in a patch of class 0.
        """
        ...
