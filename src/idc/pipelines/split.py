"""Divide an index into splits and look for leaks; label corrections move no patient."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.config.build import Config, build
from idc.data.index import is_multi_label
from idc.data.leak_policy import LeakPolicy
from idc.data.leaks import Leaks, find_leaks
from idc.data.split.base import UNUSED, Splitter, check_split
from idc.errors import DataError

log = logging.getLogger(__name__)
# With one of these the test split is what was requested, whichever classes it holds.
NAMES_THE_TEST_SPLIT = ("folds", "test_patients", "file")
AFTER_CORRECTIONS = (
    "That is so with data.corrections, which move no patient to another split. Choose other "
    "patients, another split.seed, or leave out some of the corrections."
)


def divide(
    config: Config,
    splitter: Splitter,
    before: pd.DataFrame,
    kept: NDArray[np.bool_],
    index: pd.DataFrame,
    keep: NDArray[np.bool_],
    class_names: Sequence[str],
) -> NDArray[np.object_]:
    """The split of each image, "" where it is dropped.

    Corrections move no patient: the split is made on the labels of the source, with the images
    that are to be left out. Those then leave, and the content of each split is checked again. An
    image that only a correction lets in (a contradiction that was resolved) joins its patient.

    Args:
        config: The resolved configuration.
        splitter: The split.
        before: The index with the labels of the source, under the names that the split uses.
        kept: bool (N,), which of its rows are used without corrections.
        index: The corrected index, row for row.
        keep: bool (N,), which rows are used.
        class_names: The classes.

    Raises:
        DataError: A class does not occur, or the patients do not suffice.
        ConfigError: The split names what is not there.
    """
    _refuse_absent(before[kept], class_names)
    split = np.full(len(before), UNUSED, object)
    split[kept] = splitter.assign(before[kept]).to_numpy()
    if (kept == keep).all() and np.array_equal(before["label"], index["label"]):
        return split  # nothing is corrected
    _refuse_absent(index[keep], class_names)
    patients = index["patient"].astype(str).to_numpy(object)
    of_patient = pd.Series(split[kept]).groupby(patients[kept]).unique()
    alone = of_patient[of_patient.map(len) == 1].str[0]
    new = keep & ~kept
    split[new] = pd.Series(patients[new]).map(alone).fillna(UNUSED).to_numpy(object)
    split[~keep] = UNUSED
    check_split(
        index,
        pd.Series(split, index.index, object),
        test_may_lack_a_class=any(config["split"].get(name) for name in NAMES_THE_TEST_SPLIT),
        may_leak=True,  # of whole patients the splitter has seen to it
        advice=AFTER_CORRECTIONS,
    )
    return split


def settle_leaks(
    config: Config,
    index: pd.DataFrame,
    patches: NDArray[np.uint8],
    leaky_by_design: bool,
    patients_known: bool,
) -> tuple[pd.DataFrame, Leaks]:
    """Look for what crosses the splits, warn of it, and apply the configured policy.

    Returns:
        The index without what is dropped, and what still crosses its splits.

    Raises:
        DataError: There is a leak that the configuration says to stop for.
    """
    policy: LeakPolicy = build(config["leaks"], "leaks")
    limits = config["audit"]["limits"]
    leaks = find_leaks(index, patches, limits, patients_known)
    split = policy.decide(index, leaks, leaky_by_design)
    for sentence in leaks.sentences():
        log.warning("leaks: %s", sentence)
    if not (dropped := int((split != index["split"]).sum())):
        return index, leaks
    log.warning("leaks: %d patches are taken out of training or validation", dropped)
    index = index.assign(split=split)
    return index, find_leaks(index, patches, limits, patients_known)


def _refuse_absent(kept: pd.DataFrame, class_names: Sequence[str]) -> None:
    if is_multi_label(kept):
        return  # what is rare may be dropped; a split without labels is refused later
    lacking = [name for i, name in enumerate(class_names) if not (kept["label"] == i).any()]
    if lacking:
        raise DataError(
            f"data: none of the {len(kept)} patches is of class '{lacking[0]}'. Every class must "
            f"occur; check data.root and the class folders."
        )
