"""The patches that excite a unit most (Zeiler & Fergus 2014), found in one pass over a set."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from idc.attribution.features.stream import as_input
from idc.attribution.features.tops import Tops
from idc.attribution.features.units import Activations, pick_units, unit_areas
from idc.attribution.layers import MapLayer
from idc.attribution.map_layout import watching
from idc.attribution.prepare import explainable_copy, gradients
from idc.errors import ConfigError

if TYPE_CHECKING:
    from idc.data.dataset import Batch

Pool = Literal["max", "mean"]


@dataclass(frozen=True)
class Unit:
    """The patches that excite one channel of a layer most.

    Attributes:
        channel: Its number in the layer.
        auroc: How well its activation separates label 1 from the rest, in [0, 1]; below 0.5 it is
            larger for the rest. None if the patches have one label only.
        rows: Rows of the patches in the index, int64 (k,), the most exciting first.
        values: Activation of each, float32 (k,).
        maps: The channel's map on each, float32 (k, h, w).
    """

    channel: int
    auroc: float | None
    rows: NDArray[np.int64]
    values: NDArray[np.float32]
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class Exciting:
    """Units of a layer and what excites them.

    Attributes:
        layer: The layer.
        pool: How a map became one number.
        units: In the given order.
        seen: Number of patches searched.
        ranked: Number of them on which the areas under the ROC curve were measured.
    """

    layer: MapLayer
    pool: Pool
    units: tuple[Unit, ...]
    seen: int
    ranked: int


def exciting_patches(
    network: nn.Module,
    batches: "Iterable[Batch]",
    layer: MapLayer,
    units: Sequence[int] | int = 8,
    per_unit: int = 8,
    device: torch.device | str = "cpu",
    patients: NDArray[Any] | None = None,
    per_patient: int = 2,
    pool: Pool = "max",
    advance: Callable[[int], object] | None = None,
) -> Exciting:
    """Find the patches with the largest activation of some units, in one pass.

    A unit's activation in a patch is the maximum (or mean) of its map. Of equal ones the patch
    with the smaller row comes first, so results depend neither on the batches nor on their order.
    In memory are a batch, the best patches of each unit with their maps, and the activations of at
    most 10,000 patches, drawn evenly, for choosing units.

    Args:
        network: float (N, 3, H, W) in [0, 1] to logits; copied, and left as it is.
        batches: See `idc.data.dataset.Batch`; each row once.
        layer: From `feature_layers`.
        units: Channels; or how many to choose: half of them, those whose activation separates label
            1 from the rest best by being larger (AUROC nearest 1), and half by being smaller
            (nearest 0); with one label only, those that vary most. The choice is made on
            the labels of these patches, so their areas are no test of it.
        per_unit: Patches of each unit; fewer if patients run out.
        device: Where to compute.
        patients: Patient of each row *of the index*, (N,); None sets no limit per patient.
        per_patient: Largest number of patches of one patient per unit.
        pool: ``max`` prefers patches with one strong place, ``mean`` those with much of it.
        advance: Called with the number of further patches done.

    Raises:
        ConfigError: The layer has no such channel, a number is below 1, or another `pool`.
    """
    _check(layer, units, per_unit, per_patient, pool)
    watched = np.arange(layer.channels) if isinstance(units, int) else np.asarray(units, np.int64)
    codes = (
        None if patients is None else np.unique(np.asarray(patients, str), return_inverse=True)[1]
    )
    tops = Tops(len(watched), per_unit, (layer.height, layer.width), codes, per_patient)
    activations = Activations(len(watched))
    model = explainable_copy(network, device)
    channels = torch.as_tensor(watched, device=device)
    everyone = isinstance(units, int)
    seen_patches = 0
    with watching(model, [layer.name]) as seen, gradients(), torch.no_grad():
        for batch in batches:
            model(as_input(batch["image"], device))
            maps = seen[layer.name] if everyone else seen[layer.name][:, channels]
            maps = maps.float()
            pooled = maps.amax((2, 3)) if pool == "max" else maps.mean((2, 3))
            values = pooled.cpu().numpy()
            rows = batch["row"].cpu().numpy().astype(np.int64)
            tops.add(values, rows, maps)
            activations.add(values, rows, batch["label"].cpu().numpy())
            seen_patches += len(rows)
            if advance is not None:
                advance(len(rows))
    areas = unit_areas(activations.values, activations.labels)
    chosen = pick_units(areas, activations.values, units) if isinstance(units, int) else None
    places = np.arange(len(watched)) if chosen is None else chosen
    chosen_units = tuple(
        Unit(int(watched[i]), None if areas is None else float(areas[i]), *tops.best(int(i)))
        for i in places
    )
    return Exciting(layer, pool, chosen_units, seen_patches, len(activations.labels))


def _check(
    layer: MapLayer, units: Sequence[int] | int, per_unit: int, per_patient: int, pool: str
) -> None:
    for name, value in (("per_unit", per_unit), ("per_patient", per_patient)):
        if value < 1:
            raise ConfigError(f"explain: {name}={value}; give 1 or more.")
    if pool not in ("max", "mean"):
        raise ConfigError(f"explain: pool={pool}; choose max or mean.")
    if isinstance(units, int):
        if units < 1:
            raise ConfigError(f"explain: units={units}; give 1 or more, or a list of channels.")
        return
    wrong = [unit for unit in units if not 0 <= unit < layer.channels]
    if wrong:
        raise ConfigError(
            f"explain: {layer.short} has no channel {wrong[0]}; its {layer.channels} channels are "
            f"numbered from 0 to {layer.channels - 1}."
        )
