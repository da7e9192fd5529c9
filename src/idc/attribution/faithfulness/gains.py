"""What a method's maps gain over random maps of the same spectrum, with each reference image."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from idc.attribution.faithfulness.probe import Probe
from idc.attribution.faithfulness.removal import area, removal_curves
from idc.attribution.faithfulness.spectrum import random_maps_like

RANDOM_MAPS = 3  # sets the seeds of the draws apart
MeanCurves = dict[tuple[str, str, str], NDArray[np.float64]]


def measure_gains(
    probe: Probe,
    baselines: Mapping[str, Tensor],
    maps: NDArray[np.float32],
    deciding: Collection[str],
) -> tuple[pd.DataFrame, MeanCurves]:
    """Areas of each patch, with those of its random maps, and the mean curves.

    Args:
        probe: What is measured on.
        baselines: Name to what pixels are replaced with, float (N, 3, H, W).
        maps: float32 (N, H, W).
        deciding: The baselines that verdicts rest on.

    Returns:
        A row a patch: ``probability``; means over the deciding baselines:
        ``probability_at_baseline``, ``insertion_auc``, ``deletion_auc``, both with ``_random``
        as well, and ``gain``; and for each baseline ``gain_<name>`` and ``probability_at_<name>``.
        And (baseline, ``method`` or ``random``, ``insertion`` or ``deletion``) to the mean curve,
        float64 (steps + 1,).
    """
    seeds = [(probe.plan.seed, RANDOM_MAPS, patch) for patch in range(len(maps))]
    random = random_maps_like(maps, probe.plan.random_maps, seeds)
    both = np.concatenate([maps[:, None].astype(np.float64), random], axis=1)
    parts, own = [], {}
    means: MeanCurves = {}
    for name, found in zip(
        baselines, removal_curves(probe, list(baselines.values()), both), strict=True
    ):
        part = {
            "probability": found["deletion"][:, 0, 0],
            "probability_at_baseline": found["deletion"][:, 0, -1],
        }
        for kind, curves in found.items():
            areas = area(curves)
            part[f"{kind}_auc"] = areas[:, 0]
            part[f"{kind}_auc_random"] = areas[:, 1:].mean(1)
            means[name, "method", kind] = curves[:, 0].mean(0)
            means[name, "random", kind] = curves[:, 1:].mean((0, 1))
        of_random = part["insertion_auc_random"] - part["deletion_auc_random"]
        part["gain"] = part["insertion_auc"] - part["deletion_auc"] - of_random
        own[f"gain_{name}"] = part["gain"]
        own[f"probability_at_{name}"] = part["probability_at_baseline"]
        if name in deciding:
            parts.append(part)
    shared = {column: np.mean([part[column] for part in parts], axis=0) for column in parts[0]}
    return pd.DataFrame(shared | own), means
