"""The data of an experiment: scanned, split, read."""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.sources.base import Source
from idc.data.split import SIDES, Splitter, check_split, split_counts
from idc.engine.config import Config, build
from idc.errors import DataError

log = logging.getLogger(__name__)
EASY_F1 = 0.9


@dataclass(frozen=True)
class Material:
    """Data that are ready to train on.

    Attributes:
        source: Where they come from.
        index: A row a patch, with ``split``; see `idc.data.sources.base.Source.scan`.
        patches: uint8 (N, P, P, 3), row for row with the index.
        fingerprint: The data's identity.
        notes: What was converted, padded or dropped, and how often.
        leaky: Whether patients may stand on two sides.
    """

    source: Source
    index: pd.DataFrame
    patches: NDArray[np.uint8]
    fingerprint: str
    notes: dict[str, int]
    leaky: bool

    @property
    def counts(self) -> pd.DataFrame:
        """Patches and patients per side and class; see `split_counts`."""
        return split_counts(self.index, self.source.class_names)

    def rows(self, side: str) -> pd.DataFrame:
        """The index of one side; its own index gives the rows of `patches`."""
        return self.index[self.index["split"] == side]


def load_material(config: Config) -> Material:
    """Scan, split and read the data, cheap checks first.

    Raises:
        DataError: As source and split raise it, or a class does not occur.
        ConfigError: The split names what is not there.
    """
    source: Source = build(config["data"]["source"], "data")
    splitter: Splitter = build(config["split"], "split")
    index = source.scan()
    lacking = [n for i, n in enumerate(source.class_names) if not (index["label"] == i).any()]
    if lacking:
        raise DataError(
            f"data: none of the {len(index)} patches is of class '{lacking[0]}'. Every class must "
            f"occur; check data.root and the class folders."
        )
    # Before the pixels are read: a patient's name that is not there costs no minutes.
    side = splitter.assign(index)
    pixels = source.read(index)
    index = index.assign(split=side)[pixels.readable].reset_index(drop=True)
    patches = pixels.patches if pixels.readable.all() else pixels.patches[pixels.readable]
    if not pixels.readable.all():
        check_split(index, index["split"], test_may_lack_a_class=True)
    for note, times in pixels.notes.items():
        log.warning("data: %d x %s", times, note)
    material = Material(
        source, index, patches, pixels.fingerprint, dict(pixels.notes), splitter.leaky
    )
    for name in SIDES:
        part = material.rows(name)
        log.info(
            "%-5s %6d patches, %3d patients, %s",
            name,
            len(part),
            part["group"].nunique(),
            ", ".join(
                f"{(part['label'] == i).sum()} {c}" for i, c in enumerate(source.class_names)
            ),
        )
    _warn_of_easy_f1(material, config)
    return material


def _warn_of_easy_f1(material: Material, config: Config) -> None:
    """Say so if the monitored F1 is high for a network that has learnt nothing."""
    labels = material.rows("val")["label"]
    share = float((labels == 1).mean())
    trivial = 2 * share / (1 + share)  # F1 of calling everything positive
    if len(material.source.class_names) != 2 or trivial < EASY_F1:
        return
    if config["monitor"]["metric"] == "val/f1":
        log.warning(
            "val: %.0f%% of the patches are positive, so calling all of them positive has val/f1 "
            "%.2f; the best epoch is then a matter of chance. Consider monitor.metric=val/auroc, "
            "or other split.val_patients.",
            100 * share,
            trivial,
        )
