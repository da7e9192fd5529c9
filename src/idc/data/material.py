"""The data of an experiment: scanned, checked, split, and in memory or mapped from the disk."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.audit.policy import Decisions
from idc.data.corrections import Corrections
from idc.data.leaks import Leaks
from idc.data.sources.base import Source
from idc.data.split.base import split_counts

Truth = Callable[[NDArray[np.int64]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Material:
    """Data that are ready to train on.

    Attributes:
        source: Where they come from.
        index: One row per image (see `idc.data.index`), with ``split``, which is "" for what was
            dropped.
        patches: uint8 (N, P, P, 3), row for row with the index; mapped from the disk where there
            is a store.
        fingerprint: The identity of the data that are used.
        decisions: What was found and what became of it.
        leaky: Whether patients are in two splits, or may by the split's design.
        leaks: What crosses the splits.
        corrections: What ``data.corrections`` says, as it may be logged, or None.
        truth: From rows of the index to where the signal is, bool (n, P, P); None where the data
            set does not know.
    """

    source: Source
    index: pd.DataFrame
    patches: NDArray[np.uint8]
    fingerprint: str
    decisions: Decisions
    leaky: bool
    leaks: Leaks
    corrections: Corrections | None = None
    truth: Truth | None = None

    @property
    def counts(self) -> pd.DataFrame:
        """Patches and patients per split and class; see `split_counts`."""
        return split_counts(self.index, self.source.class_names)

    @property
    def used(self) -> pd.DataFrame:
        """The index of the patches that are in a split."""
        return self.index[self.index["split"] != ""]

    def with_splits(self, split: NDArray[np.object_]) -> "Material":
        """The same patches in other splits, "" for those that are left out."""
        return replace(self, index=self.index.assign(split=split))

    def rows(self, split: str) -> pd.DataFrame:
        """The index of one split; its own index gives the rows of `patches`."""
        return self.index[self.index["split"] == split]
