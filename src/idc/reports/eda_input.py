"""What the EDA report is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.sources.tree import NotRead

COLUMNS = (
    *("path", "patient", "label", "x", "y", "width", "height", "mode", "format", "bytes"),
    *("mean_r", "mean_g", "mean_b", "std_r", "std_g", "std_b"),
    *("saturation", "white", "grey", "ink", "checks", "decision", "split"),
)
FINDING_COLUMNS = ("finding", "meaning", "policy", "patches", "patients", "dropped")
EXPECTED_COLUMNS = ("what", "known", "found")


@dataclass(frozen=True)
class EdaInput:
    """A data set that has been looked through.

    Attributes:
        name: The set's name.
        class_names: A name a class.
        index: A row a patch, in the order of `patches`: ``path`` (str), ``patient`` (str, the
            patient), ``label`` (int64, 0..k-1), ``x`` and ``y`` (int64, the patch's corner on the
            slide, px), ``width`` and ``height`` (int, of the file, px), ``mode`` (str), ``bytes``
            (int), ``mean_r mean_g mean_b std_r std_g std_b`` (float32, 0..255, of the patch's
            pixels), ``saturation`` (float32, mean, 0..1), ``white``, ``grey``, ``ink`` (float32,
            share of the pixels, 0..1), ``checks`` (str, names of findings joined by commas, or
            ""), ``decision`` (``keep`` or ``drop``), ``split`` (train, val, test, or "").
        patches: uint8 (N, P, P, 3), RGB; may be a memory map larger than memory.
        findings: A row a check: ``finding``, ``meaning`` (a sentence), ``policy`` (keep, drop or
            fail), ``patches``, ``patients``, ``dropped`` (int).
        expected: ``what``, ``known``, ``found`` (int): the set's published counts beside those
            found; None where none are known.
        patch_size: Side of a patch on the slide, in slide pixels.
        seed: Decides which patches the grids show.
        facts: Key facts for the head of the page, such as fingerprint and date.
        not_read: Files that the index has no row for, by why; see `idc.data.sources.base.Scan`.
        ignored: What was left out on purpose to how many files.

    Raises:
        ValueError: A column is missing, the index and the patches are not equally long, or a
            label has no class name.
    """

    name: str
    class_names: tuple[str, ...]
    index: pd.DataFrame
    patches: NDArray[np.uint8]
    findings: pd.DataFrame
    expected: pd.DataFrame | None
    patch_size: int
    seed: int
    facts: Mapping[str, str]
    not_read: Sequence[NotRead] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table, wanted in (
            (self.index, COLUMNS),
            (self.findings, FINDING_COLUMNS),
            (self.expected, EXPECTED_COLUMNS),
        ):
            if table is not None and (lacking := sorted(set(wanted) - set(table.columns))):
                raise ValueError(f"a table of the EDA lacks {', '.join(lacking)}")
        if len(self.index) != len(self.patches):
            raise ValueError(f"{len(self.index)} rows for {len(self.patches)} patches")
        if len(self.index) and not self.index["label"].between(-1, len(self.class_names) - 1).all():
            raise ValueError(f"a label is not in -1..{len(self.class_names) - 1}")

    def numbered(self) -> pd.DataFrame:
        """The index, numbered from 0 as the rows of `patches` are."""
        return self.index.reset_index(drop=True)

    def flagged(self, finding: str) -> pd.DataFrame:
        """The rows in which a check found something."""
        index = self.numbered()
        return index[[finding in checks.split(",") for checks in index["checks"]]]
