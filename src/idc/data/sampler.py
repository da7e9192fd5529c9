"""Orders of samples that depend on the seed and the epoch alone.

A sampler here gives *keys*, not row numbers: ``key = epoch * n + row``. So a worker that outlives
the epoch knows the epoch of each sample, augmentation can be a function of the key, and a run that
is resumed at epoch e sees what the unbroken run saw.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from idc.errors import DataError
from idc.runtime.seeding import derive_seed


class EpochSampler(Sampler[int]):
    """Training order: a permutation an epoch, or draws with replacement by weight.

    Args:
        n: Number of samples in the set.
        seed: The run's seed.
        weights: Per-sample weights, float (n,), for draws with replacement; None permutes.
        rank: This process's place among `world` processes.
        world: Number of processes; each gets ceil(n / world) samples of one common order.
    """

    def __init__(
        self,
        n: int,
        seed: int,
        weights: NDArray[np.float64] | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.n = n
        self.seed = seed
        self.weights = None if weights is None else torch.from_numpy(weights)
        self.rank = rank
        self.world = world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (Lightning calls this)."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.n // self.world)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, self.epoch))
        if self.weights is None:
            order = torch.randperm(self.n, generator=generator)
        else:
            order = torch.multinomial(self.weights, self.n, replacement=True, generator=generator)
        # Ranks must take the same number of steps, or the last gradient exchange hangs.
        short = len(self) * self.world - self.n
        order = torch.cat([order, order[:short]])[self.rank :: self.world]
        yield from (order + self.epoch * self.n).tolist()


def drawing_weights(
    members: NDArray[np.bool_], weights: NDArray[np.float64] | None, balanced: bool
) -> NDArray[np.float64] | None:
    """Weights for `EpochSampler`, float64 (n,); None for each patch once.

    Args:
        members: Which classes each patch is of, bool (n, k).
        weights: Those of the index, float (n,), or None if it has none.
        balanced: Draw the classes equally often, and in each of them by `weights`.

    Raises:
        DataError: No patch has a weight above 0.
    """
    if weights is None:
        return balanced_weights(members) if balanced else None
    drawn = weights > 0
    if not drawn.any():
        raise DataError(
            "data.columns.weight: no training image has a weight above 0, so that none is drawn."
        )
    if not balanced:
        return np.asarray(weights / weights.sum(), np.float64)
    shares = np.zeros(len(weights))
    shares[drawn] = balanced_weights(members[drawn], weights[drawn])
    return shares


def balanced_weights(
    members: NDArray[np.bool_], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Weights (n,) of drawing first a class, each equally often, and then a patch of it.

    Args:
        members: Which classes each patch is of, bool (n, k); to be of none is a class too.
        weights: Above 0, float (n,): how often a patch is drawn among those of its class.

    Returns:
        float64 (n,), which sum to 1.
    """
    every = np.column_stack([members, ~members.any(1)])
    of_class = every[:, every.any(0)] * (1.0 if weights is None else weights[:, None])
    return np.asarray((of_class / (of_class.sum(0) * of_class.shape[1])).sum(1), np.float64)
