"""Input of the EDA report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.sources.tree import NotRead

GREY = 0.005  # mean saturation below which an image is grey


@dataclass(frozen=True)
class EdaInput:
    """An audited data set.

    Attributes:
        name: The set's name.
        class_names: One name per class.
        index: One row per patch, in the order of `patches`: ``path``, ``patient``, ``label`` and,
            if there are positions, ``x`` and ``y`` (see `idc.data.index.INDEX`), ``width`` and
            ``height`` (int, of the file, px), ``mode`` (str), ``bytes`` (int),
            ``mean_r mean_g mean_b std_r std_g std_b`` (float32, 0..255, of the patch's pixels),
            ``saturation`` (float32, mean, 0..1), ``white``, ``grey``, ``ink`` (float32,
            share of the pixels, 0..1), ``checks`` (str, names of findings joined by commas, or
            ""), ``decision`` (``keep`` or ``drop``), ``split`` (train, val, test, or "").
        patches: uint8 (N, P, P, 3), RGB; may be a memory map larger than memory.
        findings: One row per check: ``finding``, ``meaning`` (a sentence), ``policy`` (keep, drop
            or fail), ``patches``, ``patients``, ``dropped`` (int).
        published: ``count`` (its name), ``published`` and ``here`` (int): what is published of the
            whole set, and what is in this one; None if nothing is published.
        patch_size: Side of a patch on the slide, in slide pixels.
        seed: Seed of the choice of patches in the grids.
        facts: Key facts for the top of the page, such as fingerprint and date.
        notes: What a reader must know first, in sentences.
        patients_known: Whether the set says which images are of one patient.
        h_and_e: Whether the images are H&E sections.
        patterns: See `idc.data.sources.propose.patient_patterns`; None if patients are known.
        command: What trains on the set.
        not_read: Files without a row in the index, by reason; see `idc.data.sources.base.Scan`.
        ignored: Reason to number of files that were excluded on purpose.
    """

    name: str
    class_names: tuple[str, ...]
    index: pd.DataFrame
    patches: NDArray[np.uint8]
    findings: pd.DataFrame
    published: pd.DataFrame | None
    patch_size: int
    seed: int
    facts: Mapping[str, str]
    notes: Sequence[str] = ()
    patients_known: bool = True
    h_and_e: bool = True
    patterns: pd.DataFrame | None = None
    command: str = ""
    not_read: Sequence[NotRead] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)

    @property
    def grey(self) -> bool:
        """Whether no image has colour."""
        return bool((self.index["saturation"] < GREY).all())

    def numbered(self) -> pd.DataFrame:
        """The index, numbered from 0 like the rows of `patches`."""
        return self.index.reset_index(drop=True)

    def flagged(self, finding: str) -> pd.DataFrame:
        """The rows with a finding of a check."""
        index = self.numbered()
        return index[[finding in checks.split(",") for checks in index["checks"]]]
