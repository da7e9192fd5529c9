"""A set read into memory, for sets that are drawn and for machines that cannot keep a store."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.audit.audit import Limits, audited
from idc.data.facts import fingerprint
from idc.data.sources.base import Source
from idc.data.store.build import CHUNK, Advance, read_measured


def read_set(
    source: Source, index: pd.DataFrame, limits: Limits, threads: int, advance: Advance
) -> tuple[pd.DataFrame, NDArray[np.uint8], str]:
    """Read, measure and audit every patch of an index.

    Args:
        source: The set.
        index: All of its `scan`.
        limits: Of the audit.
        threads: Chunks read at once; OpenCV decodes side by side.
        advance: Told how many patches are done, again and again.

    Returns:
        The index with facts, ``checks`` and ``duplicate_of``; the patches, uint8 (N, P, P, 3);
        and the fingerprint.
    """
    size = source.patch_size
    patches = np.empty((len(index), size, size, 3), np.uint8)

    def read(start: int) -> pd.DataFrame:
        part = index.iloc[start : start + CHUNK]
        patches[start : start + len(part)], facts = read_measured(source, part)
        advance(len(part))
        return facts

    with ThreadPoolExecutor(threads) as pool:
        facts = pd.concat(pool.map(read, range(0, len(index), CHUNK)), ignore_index=True)
    table = audited(
        index.reset_index(drop=True).join(facts), patches, limits, source.card.is_h_and_e
    )
    return table, patches, fingerprint(table)
