"""Do the maps change when the weights are shuffled? (Adebayo et al. 2018)."""

import copy
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from idc.attribution.faithfulness.probe import Probe
from idc.attribution.faithfulness.shuffling import shuffled_stages, weight_blocks
from idc.attribution.faithfulness.similarity import map_similarity
from idc.attribution.methods import Method

SHUFFLES = 4  # sets the seeds of the draws apart
AS_TRAINED = "as trained"


def similarities(
    probe: Probe,
    methods: Mapping[str, Method],
    trained: Mapping[str, NDArray[np.floating]],
    tell: Callable[[int], None],
) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Likeness of the maps to those of the trained network, from the head to the first layer.

    Args:
        probe: What is measured on; its model stays as it is.
        methods: Name to method.
        trained: Name to the maps of the trained network, float (N, H, W).
        tell: Told the number of patches after each method and stage.

    Returns:
        What was shuffled last, (stages,), the first being nothing; and name to float64
        (stages, N), the mean over the shuffles of `map_similarity`, NaN where it is never known.
    """
    layers = [AS_TRAINED, *(block.name for block in weight_blocks(probe.model))]
    found = {
        name: np.full((probe.plan.shuffles, len(layers), len(maps)), np.nan)
        for name, maps in trained.items()
    }
    for name, maps in trained.items():
        found[name][:, 0] = map_similarity(maps, maps)
    for shuffle in range(probe.plan.shuffles):
        twin = copy.deepcopy(probe.model)
        shuffled = Probe(twin, probe.images, probe.targets, probe.plan, probe.batch_size)
        seed = (probe.plan.seed, SHUFFLES, shuffle)
        stages = shuffled_stages(twin, weight_blocks(twin), probe.images, seed)
        for stage, _ in enumerate(stages, 1):
            for name, method in methods.items():
                maps, _ = shuffled.maps(method)
                found[name][shuffle, stage] = map_similarity(trained[name], maps)
                tell(len(probe.images))
    return layers, {name: _known_mean(values) for name, values in found.items()}


def known_stages(similar: NDArray[np.float64]) -> NDArray[np.int64]:
    """Stages with shuffled weights whose similarity is known, in order.

    Known where at least half of the maps that could be compared are: a shuffled network may give
    empty maps, and those of a patch or two would not speak for the rest.

    Args:
        similar: float (stages, N), the first stage being the trained network.
    """
    known = np.isfinite(similar).sum(1)
    enough = (known > 0) & (2 * known >= known[0])
    enough[0] = False
    return np.flatnonzero(enough)


def late_stages(similar: NDArray[np.float64]) -> NDArray[np.int64]:
    """The known stages with half of the blocks shuffled, or more.

    Args:
        similar: float (stages, N), the first stage being the trained network.
    """
    stages = known_stages(similar)
    return stages[2 * stages >= len(similar) - 1]


def _known_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0).sum(0)
    return np.asarray(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))
