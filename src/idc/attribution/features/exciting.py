"""The patches that excite a unit most (Zeiler & Fergus 2014)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu
from torch import nn

from idc.attribution.features.outputs import BATCH, module_outputs
from idc.attribution.layers import MapLayer

POSITIVE = 1


@dataclass(frozen=True)
class Unit:
    """The patches that excite one channel of a layer most.

    Attributes:
        channel: Its number in the layer.
        auroc: How well its activation separates label 1 from the rest, in [0, 1]; below 0.5 it is
            larger for the rest. None if the patches have one label only.
        rows: Rows of the patches in the store, int64 (k,), the most exciting first.
        values: Activation of each, float32 (k,).
        maps: The channel's map on each, float32 (k, h, w).
    """

    channel: int
    auroc: float | None
    rows: NDArray[np.int64]
    values: NDArray[np.float32]
    maps: NDArray[np.float32]


def exciting_patches(
    network: nn.Module,
    patches: NDArray[np.uint8],
    table: pd.DataFrame,
    layer: MapLayer,
    units: int,
    per_unit: int = 8,
    per_patient: int = 2,
    device: torch.device | str = "cpu",
    batch_size: int = BATCH,
) -> list[Unit]:
    """Find the patches with the largest activation of some units.

    A unit's activation in a patch is the maximum of its map. Of equal ones the patch with the
    smaller row comes first, so results do not depend on the order of the table. In memory are the
    activations of all channels in all given patches: sample those of a large set.

    Args:
        network: float (N, 3, H, W) in [0, 1] to logits; copied, and left as it is.
        patches: uint8 (N, H, W, 3), the whole store; may be a memory map.
        table: The patches to search: ``row`` in the store, ``label`` and ``patient``.
        layer: From `feature_layers`.
        units: How many channels; see `pick_units`. The choice is made on the labels of these
            patches, so the areas of the units are no test of it.
        per_unit: Patches of each unit; fewer if patients run out.
        per_patient: Largest number of patches of one patient per unit.
        device: Where to compute.
        batch_size: Patches at once; results do not depend on it.
    """
    table = table.sort_values("row")
    rows, patients = table["row"].to_numpy(np.int64), table["patient"].to_numpy(object)
    passes = module_outputs(network, patches, rows, [layer.name], batch_size, device)
    values = np.concatenate(
        [seen[layer.name].float().amax((2, 3)).cpu().numpy() for seen in passes]
    )
    areas = unit_areas(values, table["label"].to_numpy())
    channels = pick_units(areas, values, units)
    tops = [_top(values[:, channel], patients, per_unit, per_patient) for channel in channels]
    shown, place = np.unique(np.concatenate(tops), return_inverse=True)
    again = module_outputs(network, patches, rows[shown], [layer.name], batch_size, device)
    maps = np.concatenate([seen[layer.name][:, channels].float().cpu().numpy() for seen in again])
    places = np.split(place, np.cumsum([len(top) for top in tops])[:-1])
    return [
        Unit(
            int(channel),
            None if areas is None else float(areas[channel]),
            rows[top],
            values[top, channel],
            maps[at, number],
        )
        for number, (channel, top, at) in enumerate(zip(channels, tops, places, strict=True))
    ]


def _top(
    values: NDArray[np.float32], patients: NDArray[Any], count: int, per_patient: int
) -> NDArray[np.int64]:
    """Positions of the largest values, few of each patient."""
    order = np.argsort(-values, kind="stable")
    turn = pd.Series(patients[order]).groupby(patients[order]).cumcount().to_numpy()
    return order[turn < per_patient][:count]


def unit_areas(
    values: NDArray[np.float32], labels: NDArray[np.integer]
) -> NDArray[np.float64] | None:
    """AUROC of each unit for label 1 against the rest, ties counting half.

    Of activations, float (n, units), and labels, int (n,): float64 (units,) in [0, 1]; None if
    label 1, or every other, does not occur.
    """
    positive = np.asarray(labels) == POSITIVE
    wins, losses = int(positive.sum()), int((~positive).sum())
    if not wins or not losses:
        return None
    test = mannwhitneyu(values[positive], values[~positive], axis=0, method="asymptotic")
    # Activations that are not numbers separate nothing.
    return np.asarray(np.nan_to_num(test.statistic / (wins * losses), nan=0.5), np.float64)


def pick_units(
    areas: NDArray[np.float64] | None, values: NDArray[np.float32], count: int
) -> NDArray[np.int64]:
    """Choose the units that separate the labels best, int64, by falling AUROC.

    Half of them are those that separate label 1 best by being larger (AUROC nearest 1), half by
    being smaller (nearest 0); without areas, (units,), those of values, (n, units), that vary
    most. Fewer than `count` where there are fewer.
    """
    by = values.std(0) if areas is None else areas
    order = np.argsort(-by, kind="stable").astype(np.int64)
    count = min(count, len(order))
    low = 0 if areas is None else count // 2
    return np.concatenate([order[: count - low], order[len(order) - low :]])
