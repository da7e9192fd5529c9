"""Do the maps change when the weights are shuffled? (Adebayo et al. 2018)."""

import copy
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from idc.explain.faithfulness.probe import Probe
from idc.explain.faithfulness.shuffling import shuffled_stages, weight_blocks
from idc.explain.faithfulness.similarity import map_similarity
from idc.explain.methods import Method

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
        (stages, N), the mean over the shuffles of `map_similarity`.
    """
    layers = [AS_TRAINED, *(block.name for block in weight_blocks(probe.model))]
    found = {
        name: np.zeros((probe.plan.shuffles, len(layers), len(maps)))
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
    return layers, {name: values.mean(0) for name, values in found.items()}
