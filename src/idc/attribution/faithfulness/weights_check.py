"""Do the maps change when the weights are shuffled? Model randomisation (Adebayo et al. 2018)."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from idc.attribution.faithfulness.map_measures import map_similarity
from idc.attribution.faithfulness.probe import Probe
from idc.attribution.methods import Method

MIN_BLOCKS, MAX_BLOCKS = 4, 6
STATISTICS_ROWS = 64
SHUFFLES = 4  # sets the seeds of the draws apart
AS_TRAINED = "as trained"


@dataclass(frozen=True)
class Block:
    """A part of a network, shuffled as one.

    Its name in the model, or the first and last of several; its modules, and how many of them
    have weights; parameters beside those of its modules, such as a class token.
    """

    name: str
    modules: tuple[nn.Module, ...]
    size: int
    parameters: tuple[nn.Parameter, ...] = ()


def weight_blocks(model: nn.Module) -> list[Block]:
    """A network's parts with weights, the last (the head) first, `MAX_BLOCKS` at most.

    Containers are opened, the largest first, until there are `MIN_BLOCKS` parts: for a backbone of
    stages with a head these are its stages and its head. Neighbours are joined where there are too
    many; the head stays by itself. The order is that in which the parts were registered, which is
    that of the forward pass in this project's networks.
    """
    blocks = _children(Block("", (model,), 0))
    if not blocks and any(True for _ in model.parameters()):
        blocks = [Block("all layers", (model,), 1)]
    while len(blocks) < MIN_BLOCKS:
        for place in sorted(range(len(blocks)), key=lambda i: -blocks[i].size):
            inner = _children(blocks[place])
            if inner:
                blocks[place : place + 1] = inner
                break
        else:
            break
    while len(blocks) > MAX_BLOCKS:
        sizes = [a.size + b.size for a, b in pairwise(blocks[:-1])]
        place = sizes.index(min(sizes))
        first, second = blocks[place : place + 2]
        joined = Block(
            f"{first.name.partition(' to ')[0]} to {second.name.rpartition(' to ')[2]}",
            first.modules + second.modules,
            first.size + second.size,
            first.parameters + second.parameters,
        )
        blocks[place : place + 2] = [joined]
    return blocks[::-1]


def _children(block: Block) -> list[Block]:
    """The parts of a part, at least two, own parameters with the first; else none."""
    (module,) = block.modules
    parts: list[Block] = []
    own = (*block.parameters, *module.parameters(recurse=False))
    for name, child in module.named_children():
        size = sum(any(True for _ in m.parameters(recurse=False)) for m in child.modules())
        if size:
            whole = f"{block.name}.{name}".lstrip(".")
            parts.append(Block(whole, (child,), size, () if parts else own))
    return _children(parts[0]) if len(parts) == 1 else parts


def shuffled_stages(
    model: nn.Module, blocks: Sequence[Block], images: Tensor, seed: Sequence[int]
) -> Iterator[str]:
    """Shuffle a copy's weights block by block; each step keeps what was shuffled before.

    Every tensor of weights is permuted within itself, so their distribution stays. The running
    statistics of BatchNorm in the shuffled blocks are taken anew from the images and their mirror
    images: with those of the trained network the activations vanish or explode, and the maps
    would differ for that reason alone.

    Args:
        model: A copy in eval mode; it is changed.
        blocks: See `weight_blocks`, of this copy.
        images: float (N, 3, H, W) in [0, 1], on the model's device.
        seed: Fixes the permutations.

    Yields:
        The name of the block shuffled last; the model is to be used before the next.
    """
    state = np.random.SeedSequence(seed).generate_state(1)
    generator = torch.Generator().manual_seed(int(state[0]))
    norms: list[_BatchNorm] = []
    for block in blocks:
        with torch.no_grad():
            inner = (weight for module in block.modules for weight in module.parameters())
            for weight in (*block.parameters, *inner):
                order = torch.randperm(weight.numel(), generator=generator)
                weight.copy_(weight.flatten()[order.to(weight.device)].view_as(weight))
            for module in block.modules:
                norms += [m for m in module.modules() if isinstance(m, _BatchNorm)]
            _renew_statistics(model, norms, images)
        yield block.name


def _renew_statistics(model: nn.Module, norms: Sequence[_BatchNorm], images: Tensor) -> None:
    """Set the running statistics of some layers to those of the images.

    With mirror images, so that a single patch gives a BatchNorm of vectors two rows, in batches
    that do not depend on how the rest is batched.
    """
    if not norms:
        return
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over the batches
        norm.train()
    half = STATISTICS_ROWS // 2
    for start in range(0, len(images), half):
        part = images[start : start + half]
        model(torch.cat([part, part.flip(-1)]))
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
        norm.eval()


def similarities(
    probe: Probe,
    methods: Mapping[str, Method],
    trained: Mapping[str, NDArray[np.floating]],
    advance: Callable[[int], None],
) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Similarity of maps to those of the trained network, from the head to the first layer.

    The model of the probe stays as it is; `advance` is called with the number of patches after each
    method and stage.

    Returns:
        What was shuffled last, (stages,), the first being nothing; and name to float64
        (stages, N), the mean over the shuffles of `map_similarity`, NaN where it is never measured.
    """
    layers = [AS_TRAINED, *(block.name for block in weight_blocks(probe.model))]
    similar = {
        name: np.full((probe.plan.shuffles, len(layers), len(maps)), np.nan)
        for name, maps in trained.items()
    }
    for name, maps in trained.items():
        similar[name][:, 0] = map_similarity(maps, maps)
    for shuffle in range(probe.plan.shuffles):
        shuffled = replace(probe, model=copy.deepcopy(probe.model))
        seed = (probe.plan.seed, SHUFFLES, shuffle)
        blocks = weight_blocks(shuffled.model)
        stages = shuffled_stages(shuffled.model, blocks, probe.images, seed)
        for stage, _ in enumerate(stages, 1):
            for name, method in methods.items():
                maps, _ = shuffled.maps(method)
                similar[name][shuffle, stage] = map_similarity(trained[name], maps)
                advance(len(probe.images))
    with warnings.catch_warnings():  # a stage may be unknown in every shuffle
        warnings.filterwarnings("ignore", "Mean of empty slice")
        return layers, {name: np.nanmean(values, axis=0) for name, values in similar.items()}


def measured_stages(similar: NDArray[np.float64]) -> NDArray[np.int64]:
    """The stages whose similarity, float (stages, N), is measured, the trained network's apart.

    That is where at least half of the comparable maps are not empty: a shuffled network may give
    empty maps, and one or two patches would not be representative.
    """
    count = np.isfinite(similar).sum(1)
    enough = (count > 0) & (2 * count >= count[0])
    enough[0] = False
    return np.flatnonzero(enough)


def late_stages(similar: NDArray[np.float64]) -> NDArray[np.int64]:
    """The measured stages with half of the blocks shuffled, or more; see `measured_stages`."""
    stages = measured_stages(similar)
    return stages[2 * stages >= len(similar) - 1]
