"""The leak check at the start of a run."""

import logging

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.config.build import Config, build
from idc.data.audit.audit import Limits
from idc.data.leak_policy import LeakPolicy
from idc.data.leaks import Leaks, find_leaks

log = logging.getLogger(__name__)


def settle_leaks(
    config: Config,
    index: pd.DataFrame,
    patches: NDArray[np.uint8],
    leaky_by_design: bool,
    patients_known: bool = True,
) -> tuple[pd.DataFrame, Leaks]:
    """Look for what crosses the splits, warn of it, and apply the configured policy.

    Returns:
        The index without what is dropped, and what still crosses its splits.

    Raises:
        DataError: There is a leak that the configuration says to stop for.
    """
    policy: LeakPolicy = build(config["leaks"], "leaks")
    limits = Limits(**config["audit"]["limits"])
    leaks = find_leaks(index, patches, limits, patients_known)
    split = policy.decide(index, leaks, leaky_by_design)
    for sentence in leaks.sentences():
        log.warning("leaks: %s", sentence)
    if not (dropped := int((split != index["split"]).sum())):
        return index, leaks
    log.warning("leaks: %d patches are taken out of training or validation", dropped)
    index = index.assign(split=split)
    return index, find_leaks(index, patches, limits, patients_known)
