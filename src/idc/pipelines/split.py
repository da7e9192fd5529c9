"""Which patch is in which split, whatever a review has corrected."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.config.build import Config
from idc.data.audit.policy import Policy
from idc.data.sources.base import Source
from idc.data.split.base import UNUSED, Splitter, check_split
from idc.errors import DataError

# With one of these the test split is what was asked for, whichever classes it holds.
NAMES_THE_TEST_SPLIT = ("folds", "test_patients", "file")
AFTER_CORRECTIONS = (
    "That is so with data.corrections, which move no patient to another split. Choose other "
    "patients, another split.seed, or leave out some of the corrections."
)


def divide(
    config: Config,
    before: pd.DataFrame,
    index: pd.DataFrame,
    policy: Policy,
    source: Source,
    splitter: Splitter,
) -> NDArray[np.object_]:
    """The split of each patch, "" where it is dropped.

    Corrections move no patient: the split is made on the labels of the source, with the patches
    that are to be left out. Those then leave, and what each split holds is checked anew. A patch
    that only a correction lets in (a contradiction that was resolved) joins its patient.

    Args:
        config: The resolved configuration.
        before: The index with the labels of the source.
        index: The index as it is used, row for row with it.
        policy: What is done about findings.
        source: The set.
        splitter: The split.

    Raises:
        DataError: A class does not occur, or the patients do not suffice.
        ConfigError: The split names what is not there.
    """
    kept = policy.decide(before).keep
    split = _split_of_each(before, kept, source, splitter)
    if index is before:  # nothing is corrected
        return split
    keep = policy.decide(index).keep
    _refuse_absent(index[keep], source)
    groups = index["patient"].astype(str).to_numpy(object)
    of_patient = pd.Series(split[kept]).groupby(groups[kept]).unique()
    alone = of_patient[of_patient.map(len) == 1].str[0]
    new = keep & ~kept
    split[new] = pd.Series(groups[new]).map(alone).fillna(UNUSED).to_numpy(object)
    split[~keep] = UNUSED
    check_split(
        index,
        pd.Series(split, index.index, object),
        test_may_lack_a_class=any(config["split"].get(name) for name in NAMES_THE_TEST_SPLIT),
        may_leak=True,  # of whole patients the splitter has seen to it
        advice=AFTER_CORRECTIONS,
    )
    return split


def _split_of_each(
    index: pd.DataFrame, keep: NDArray[np.bool_], source: Source, splitter: Splitter
) -> NDArray[np.object_]:
    kept = index[keep]
    _refuse_absent(kept, source)
    split = np.full(len(index), UNUSED, object)
    split[keep] = splitter.assign(kept).to_numpy()
    return split


def _refuse_absent(kept: pd.DataFrame, source: Source) -> None:
    lacking = [n for i, n in enumerate(source.class_names) if not (kept["label"] == i).any()]
    if lacking:
        raise DataError(
            f"data: none of the {len(kept)} patches is of class '{lacking[0]}'. Every class must "
            f"occur; check data.root and the class folders."
        )
